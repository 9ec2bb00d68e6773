DROP TABLE thread_reads;
DROP TABLE entity_reads;
