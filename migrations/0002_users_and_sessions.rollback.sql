DROP TABLE idempotency_keys;
DROP TABLE tickets;
DROP TABLE sessions;
DROP FUNCTION display_name(users);
DROP FUNCTION person(users);
DROP TABLE users;
