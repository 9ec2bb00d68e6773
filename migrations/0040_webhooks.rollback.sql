DELETE FROM role_permissions WHERE permission LIKE 'webhook:%';
DELETE FROM permissions WHERE code LIKE 'webhook:%';
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
