DROP VIEW IF EXISTS git_commit_items;
DROP VIEW IF EXISTS repository_items;
DROP TABLE git_commits;
DROP TABLE repositories;
