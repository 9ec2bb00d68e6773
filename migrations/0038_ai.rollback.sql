DELETE FROM role_permissions WHERE permission = 'ai:use';
DELETE FROM permissions WHERE code = 'ai:use';
DROP TABLE IF EXISTS file_passages;
DROP TABLE IF EXISTS ai_usage;
DROP TABLE IF EXISTS ai_chunks;
DROP TABLE IF EXISTS ai_answers;
DROP TABLE IF EXISTS ai_messages;
DROP TABLE IF EXISTS ai_chats;
DROP EXTENSION IF EXISTS btree_gin;
