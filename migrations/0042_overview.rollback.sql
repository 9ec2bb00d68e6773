DELETE FROM role_permissions WHERE permission = 'outbox:retry';
DELETE FROM permissions WHERE code = 'outbox:retry';
DROP TABLE node_samples;
