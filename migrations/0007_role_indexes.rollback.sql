-- transactional: false
DROP INDEX CONCURRENTLY users_role_changed_at_idx;
ALTER TABLE notifications DROP CONSTRAINT notifications_type_known;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_known CHECK (
    type IN (
        'like', 'comment', 'mention', 'follow', 'interest', 'assignment', 'announcement', 'project_status',
        'lead_created', 'score_updated', 'task_assigned', 'task_updated', 'task_completed', 'task_due',
        'comment_added', 'member_added', 'security'
    )
) NOT VALID;
