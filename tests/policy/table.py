"""The written policy: who may do what, one row for every route and every kind of room.

**To add a route**, add a `Rule` to POLICY:

    Rule("PATCH /things/{id}", "thing:update", 200, stranger=403, whose="its owner only",
         make=makers.a_thing, body={"title": "New"})

1. The operation, as `METHOD /path` (without /api/v1).
2. Who: ANYBODY, A_PERSON (no API keys), A_CALLER (any API key as well) or the code of a permission; `whose`
   and `otherwise` as in the route's `access=`.
3. The status that the owner of the row gets (a member), then those of others where they differ: `stranger`
   is another member and as the owner unless said; `manager` is as the stranger unless said; `admin` as the
   manager unless said. The rest follows: without a good session or key 401; for A_PERSON a key gets 403; for
   a permission a key without that scope gets 403, and a key with it what its owner gets (where the owner may
   not, or with `key_of="admin"`, an admin). `others={"anonymous": 400}` names exceptions.
4. `make` (tests/policy/makers.py) puts what is needed into the service as `owner` and returns the names
   for the path. `body` (a dictionary, or a function of what `make` returned; a FormData is sent as a form)
   must be good, or everybody would get 422. `query` is put behind the path. People and rows are new for
   every call, so a rule may delete them; what all share, such as the permissions of a role, must be as
   before afterwards. `fresh`: a session that was not proved lately gets 403.

**To add a kind of room**, add a row to ROOMS: its permission, `make`, which returns the id (None: there is
one room of the kind), and then who may join.
"""

from __future__ import annotations

from tests.policy import makers
from tests.policy.ai import AI
from tests.policy.files import FILES
from tests.policy.messaging import MESSAGING, MESSAGING_ROOMS
from tests.policy.projects import PROJECTS
from tests.policy.rules import A_CALLER, A_PERSON, ANYBODY, Room, Rule
from tests.policy.webhooks import WEBHOOKS
from tests.policy.work import WORK, WORK_ROOMS
from tests.policy.work_makers import as_form
from tests.policy.work_many import WORK_MANY

OWN = "your own only"
ON_TASKS = "comments on tasks need task:read, and a task that you may see"
BY_FIELD = "the schema says which permission each field needs"
NEW_PASSWORD = "correct horse battery"
POLICY: list[Rule] = [
    # The service itself. No worker runs here, so it is not ready.
    Rule("GET /", ANYBODY, 200),
    Rule("GET /health", ANYBODY, 200),
    Rule("GET /ready", ANYBODY, 503),
    Rule("GET /metrics", ANYBODY, 200),
    Rule("GET /api/openapi.json", ANYBODY, 200),
    Rule("GET /api/asyncapi.json", ANYBODY, 200),
    Rule("GET /api/docs", ANYBODY, 200),
    Rule("GET /api/docs/{name}", ANYBODY, 200, make=makers.a_page),
    # The console is static files; it reads its data from the API.
    Rule("GET /app", ANYBODY, 302),
    Rule("GET /app/{path}", ANYBODY, 200, make=makers.a_console_page),
    Rule("GET /app/sw.js", ANYBODY, 200),
    Rule("GET /app/-/{version}/{name}", ANYBODY, 200, make=makers.a_console_file),
    Rule("GET /app/demo.json", ANYBODY, 200),
    # GraphQL: each field has a rule of its own, in tests/graphql/test_access.py.
    Rule(
        "POST /api/graphql",
        A_CALLER,
        200,
        whose=BY_FIELD,
        body={"query": "{ getUnreadCount }"},
    ),
    Rule(
        "GET /api/graphql",
        A_CALLER,
        200,
        whose=BY_FIELD,
        query="?query={getUnreadCount}",
    ),
    Rule("GET /api/graphql/schema", ANYBODY, 200),
    Rule("GET /api/graphql/explorer/{name}", ANYBODY, 200, make=makers.an_explorer_file),
    # A GET without a handshake; permission for a handshake is tested with the rooms.
    Rule("GET /ws", ANYBODY, 400),
    # Not a handshake either; tests/collab/test_access.py tests the permission.
    Rule("GET /collab/{fileId}", ANYBODY, 400, make=makers.a_text_file),
    # Identity.
    Rule(
        "POST /auth/register",
        ANYBODY,
        201,
        make=makers.an_address,
        body=lambda made: {**made, "password": NEW_PASSWORD},
    ),
    Rule("POST /auth/login", ANYBODY, 200, make=makers.an_account, body=makers.as_made),
    Rule("POST /auth/refresh", ANYBODY, 200, make=makers.a_refresh_token, body=makers.as_made),
    Rule("GET /auth/jwks", ANYBODY, 200),
    # A refresh token is enough to end its session.
    Rule(
        "POST /auth/logout",
        ANYBODY,
        204,
        whose="ends the session of the access or refresh token",
        make=makers.a_refresh_token,
        body=makers.as_made,
    ),
    Rule("GET /auth/me", "profile:read", 200),
    Rule("GET /auth/sessions", A_PERSON, 200),
    Rule("DELETE /auth/sessions", A_PERSON, 200),
    Rule("DELETE /auth/sessions/{id}", A_PERSON, 204, stranger=404, whose=OWN, make=makers.a_session),
    Rule("POST /auth/ticket", A_PERSON, 201, body={"purpose": "ws"}),
    Rule("GET /auth/api-keys", A_PERSON, 200),
    Rule("POST /auth/api-keys", A_PERSON, 201, body={"name": "robot", "scopes": ["post:read"]}, fresh=True),
    Rule("DELETE /auth/api-keys/{id}", A_PERSON, 204, stranger=404, whose=OWN, make=makers.an_api_key),
    Rule(
        "GET /events",
        "audit:read",
        200,
        otherwise="you see your own actions",
        key_of="admin",
    ),
    *(
        Rule(f"GET /admin/{path}", "audit:read", 403, admin=200)
        for path in ("overview", "overview/history", "outbox", "usage")
    ),
    Rule("POST /admin/outbox/{id}/retry", "outbox:retry", 403, admin=204, make=makers.a_dead_letter),
    Rule("GET /verify-email", ANYBODY, 200),
    Rule("GET /reset-password", ANYBODY, 200),
    Rule("GET /register", ANYBODY, 200),
    # These need the token of a mail.
    Rule("GET /unsubscribe", ANYBODY, 404),
    Rule("POST /unsubscribe", ANYBODY, 404),
    Rule("GET /n", ANYBODY, 302),
    Rule("GET /n/{id}", ANYBODY, 302, make=makers.own_profile),
    Rule("GET /account.js", ANYBODY, 200),
    Rule("POST /auth/sudo", A_PERSON, 200, make=makers.own_password, body=makers.as_made),
    Rule(
        "POST /admin/invitations",
        "user:manage",
        403,
        admin=201,
        make=makers.an_address,
        body=makers.as_made,
    ),
    Rule("GET /admin/invitations", "user:manage", 403, admin=200),
    Rule("DELETE /admin/invitations/{id}", "user:manage", 403, admin=204, make=makers.an_invitation),
    Rule("POST /auth/password", A_PERSON, 204, make=makers.new_password, body=makers.as_made),
    Rule("POST /auth/password/forgot", ANYBODY, 202, make=makers.an_address, body=makers.as_made),
    # These need the token of a mail.
    Rule("POST /auth/password/reset", ANYBODY, 400, body={"token": "x" * 43, "password": NEW_PASSWORD}),
    Rule(
        "POST /auth/email/verify",
        ANYBODY,
        400,
        whose="the session of the token goes on",
        body={"token": "x" * 43},
    ),
    # Everybody here has a verified address.
    Rule("POST /auth/email/resend", A_PERSON, 409),
    Rule("POST /auth/email", A_PERSON, 202, make=makers.new_address, body=makers.as_made, fresh=True),
    Rule("GET /auth/oauth", ANYBODY, 200),
    # No sign-in provider is configured here.
    Rule("GET /auth/oauth/{provider}", ANYBODY, 503, make=makers.a_provider),
    Rule("GET /auth/oauth/{provider}/callback", ANYBODY, 503, make=makers.a_provider),
    Rule("GET /auth/identities", A_PERSON, 200),
    Rule("DELETE /auth/identities/{provider}", A_PERSON, 404, make=makers.a_provider, fresh=True),
    Rule("GET /sign-in", ANYBODY, 200),
    Rule("GET /sign-in.js", ANYBODY, 200),
    # People.
    Rule("GET /users", "user:read", 200),
    Rule("GET /users/me", "profile:read", 200),
    Rule("PATCH /users/me", "profile:update", 200, whose=OWN, body={"jobTitle": "Cook"}),
    Rule("DELETE /users/me", A_PERSON, 204, make=makers.another_admin, fresh=True),
    Rule("GET /users/me/export", A_PERSON, 202),
    Rule("GET /users/{id}", "user:read", 200, make=makers.own_profile),
    Rule("GET /users/by-username/{name}", "user:read", 200, make=makers.own_name),
    Rule(
        "PUT /users/{id}/role",
        "user:manage",
        403,
        admin=200,
        make=makers.another_person,
        body={"role": "manager"},
        # Nobody can give a role with more permissions than their own: this key has one scope.
        others={"key_with": 403},
        fresh=True,
    ),
    Rule(
        "PUT /users/{id}/status",
        "user:manage",
        403,
        admin=200,
        make=makers.another_person,
        body={"status": "deactivated"},
    ),
    Rule("GET /roles", "role:manage", 403, admin=200),
    Rule("GET /roles/{role}/permissions", "role:manage", 403, admin=200, make=makers.a_role),
    Rule(
        "PUT /roles/{role}/permissions",
        "role:manage",
        403,
        admin=200,
        make=makers.a_role,
        body=lambda made: {"permissions": made["permissions"]},
        fresh=True,
    ),
    # Social.
    Rule("POST /posts", "post:create", 201, body={"body": "Hello."}),
    Rule("GET /posts", "post:read", 200),
    Rule("GET /posts/{id}", "post:read", 200, make=makers.a_post),
    Rule(
        "PATCH /posts/{id}",
        "post:create",
        200,
        stranger=403,
        whose="the author only",
        make=makers.a_post,
        body={"body": "Changed."},
    ),
    Rule(
        "DELETE /posts/{id}",
        "post:create",
        204,
        stranger=403,
        manager=204,
        whose="the author, and holders of post:moderate",
        make=makers.a_post,
    ),
    Rule(
        "PUT /posts/{id}/status",
        "post:create",
        200,
        stranger=403,
        manager=200,
        whose="the author; for projects also holders of post:assign, for announcements of post:moderate",
        make=makers.a_project,
        body={"status": "on_hold"},
    ),
    Rule("GET /posts/{id}/status-log", "post:read", 200, make=makers.a_project),
    Rule(
        "PUT /posts/{id}/assignee",
        "post:create",
        200,
        stranger=403,
        manager=200,
        whose="the author, and holders of post:assign",
        make=makers.a_project,
        body={"userId": None},
    ),
    # You cannot be interested in your own project.
    Rule("PUT /posts/{id}/interest", "post:like", 409, stranger=200, make=makers.a_project),
    Rule("DELETE /posts/{id}/interest", "post:like", 200, make=makers.a_project),
    Rule("GET /posts/{id}/interests", "post:read", 200, make=makers.a_project),
    Rule("GET /feed", "post:read", 200),
    Rule("GET /explore", "post:read", 200),
    Rule("GET /search", "post:read", 200, query="?q=hello"),
    Rule("POST /uploads", "upload:create", 201, make=makers.a_file, body=makers.as_form),
    # Cloudinary is not configured here.
    Rule("POST /uploads/signature", "upload:create", 503, body={"name": "a.png", "bytes": 10}),
    Rule(
        "POST /uploads/confirm", "upload:create", 503, body={"publicId": "x", "version": 1, "signature": "x"}
    ),
    # Only its owner sees an upload that is on no post.
    Rule(
        "GET /uploads/{id}",
        "post:read",
        200,
        stranger=404,
        whose="the owner, and everybody who may see its post, task or message",
        make=makers.an_upload,
    ),
    Rule(
        "PATCH /uploads/{id}",
        "upload:create",
        200,
        stranger=404,
        whose="the owner only",
        make=makers.an_upload,
        body={"alt": "A dot."},
    ),
    Rule(
        "DELETE /uploads/{id}",
        "upload:create",
        204,
        stranger=404,
        whose="the owner only",
        make=makers.an_upload,
    ),
    Rule("GET /media/{key}", ANYBODY, 200, make=makers.a_media_key),
    Rule("GET /users/{id}/posts", "post:read", 200, make=makers.own_profile),
    Rule("PUT /posts/{id}/like", "post:like", 200, make=makers.a_post),
    Rule("DELETE /posts/{id}/like", "post:like", 200, make=makers.a_post),
    Rule("GET /posts/{id}/likes", "post:read", 200, make=makers.a_post),
    Rule("PUT /posts/{id}/read", "post:read", 200, make=makers.a_post),
    Rule(
        "GET /posts/{id}/readers",
        "post:read",
        200,
        stranger=403,
        manager=200,
        whose="the author, and holders of post:announce",
        make=makers.a_post,
    ),
    Rule(
        "POST /comments",
        "comment:create",
        201,
        whose=ON_TASKS,
        make=makers.a_post,
        body=lambda made: {"postId": made["id"], "body": "Indeed."},
    ),
    Rule("GET /comments/post/{id}", "post:read", 200, make=makers.a_post),
    Rule("GET /comments/post/{id}/read", "post:read", 200, make=makers.a_post),
    Rule(
        "PUT /comments/post/{id}/read",
        "post:read",
        200,
        make=makers.a_post,
        body=lambda made: {"upTo": made["id"]},
    ),
    Rule(
        "GET /comments/{id}/readers",
        "post:read",
        200,
        stranger=403,
        manager=200,
        whose="its author, and holders of post:moderate; for comments on tasks, which need task:read, of "
        "task:manage",
        make=makers.a_comment,
    ),
    Rule("GET /comments/{id}", "post:read", 200, whose=ON_TASKS, make=makers.a_comment),
    Rule(
        "PATCH /comments/{id}",
        "comment:create",
        200,
        stranger=403,
        whose="the author only",
        make=makers.a_comment,
        body={"body": "Changed."},
    ),
    Rule(
        "DELETE /comments/{id}",
        "comment:create",
        204,
        stranger=403,
        manager=204,
        whose="its author, the post's author, and holders of post:moderate; on a task its author, the "
        "task's creator, and holders of task:manage",
        make=makers.a_comment,
    ),
    Rule("PUT /users/{id}/follow", "user:follow", 200, make=makers.another_person),
    Rule("DELETE /users/{id}/follow", "user:follow", 200, make=makers.another_person),
    Rule("GET /users/{id}/followers", "user:read", 200, make=makers.own_profile),
    Rule("GET /users/{id}/following", "user:read", 200, make=makers.own_profile),
    # Leads, which members do not see. An answer that shows a lead needs lead:read, which the key lacks.
    Rule("POST /leads", "lead:create", 403, manager=201, body={"name": "Ada"}),
    Rule(
        "POST /leads/import",
        "lead:create",
        403,
        manager=202,
        whose="`mode=update` needs lead:update, too",
        make=makers.a_table_of_leads,
        body=as_form,
    ),
    Rule("GET /leads/export", "lead:read", 403, manager=200),
    Rule("GET /leads", "lead:read", 403, manager=200),
    Rule("GET /leads/{id}", "lead:read", 403, manager=200, make=makers.a_lead),
    Rule(
        "PATCH /leads/{id}",
        "lead:update",
        403,
        manager=200,
        whose="needs lead:read, too",
        make=makers.a_lead,
        body={"name": "Ada"},
        others={"key_with": 403},
    ),
    Rule("DELETE /leads/{id}", "lead:delete", 403, manager=204, make=makers.a_lead),
    Rule(
        "PUT /leads/{id}/score",
        "lead:update",
        403,
        manager=200,
        whose="needs lead:read, too",
        make=makers.a_lead,
        body={"score": 5},
        others={"key_with": 403},
    ),
    Rule(
        "PUT /leads/{id}/stage",
        "lead:update",
        403,
        manager=200,
        whose="needs lead:read, too",
        make=makers.a_lead,
        body={"stage": "won"},
        others={"key_with": 403},
    ),
    Rule("GET /leads/{id}/stage-log", "lead:read", 403, manager=200, make=makers.a_lead),
    Rule(
        "POST /leads/{id}/merge",
        "lead:update",
        403,
        manager=200,
        whose="needs lead:read, too",
        make=makers.two_leads,
        body=lambda made: {"fromId": str(made["fromId"])},
        others={"key_with": 403},
    ),
    Rule(
        "POST /leads/{id}/interactions",
        "lead:update",
        403,
        manager=201,
        whose="needs lead:read, too",
        make=makers.a_lead,
        body={"kind": "note", "text": "Hello."},
        others={"key_with": 403},
    ),
    Rule("GET /leads/{id}/interactions", "lead:read", 403, manager=200, make=makers.a_lead),
    Rule(
        "PATCH /leads/{id}/interactions/{interactionId}",
        "lead:update",
        403,
        whose="its author only",
        make=makers.a_lead,
        body={"text": "Hello again."},
    ),
    Rule(
        "DELETE /leads/{id}/interactions/{interactionId}",
        "lead:update",
        403,
        manager=204,
        whose="its author, and holders of lead:delete",
        make=makers.a_lead,
        others={"key_with": 403},
    ),
    *WORK,
    *WORK_MANY,
    *PROJECTS,
    *FILES,
    *MESSAGING,
    *WEBHOOKS,
    *AI,
    # Notifications.
    Rule("GET /notifications", "notification:read", 200, whose=OWN),
    Rule("GET /notifications/unread-count", "notification:read", 200, whose=OWN),
    Rule("POST /notifications/read-all", "notification:update", 200, whose=OWN),
    Rule("POST /notifications/seen", "notification:update", 200, whose=OWN),
    Rule("POST /notifications/archive-all", "notification:update", 200, whose=OWN),
    *(
        Rule(
            f"POST /notifications/groups/{{id}}/{verb}",
            "notification:update",
            200,
            stranger=404,
            whose=OWN,
            make=makers.a_notification_group,
        )
        for verb in ("read", "archive")
    ),
    Rule(
        "GET /notifications/{id}",
        "notification:read",
        200,
        stranger=404,
        whose=OWN,
        make=makers.a_notification,
    ),
    Rule(
        "PATCH /notifications/{id}",
        "notification:update",
        200,
        stranger=404,
        whose=OWN,
        make=makers.a_notification,
        body={"isRead": True},
    ),
    Rule(
        "DELETE /notifications/{id}",
        "notification:update",
        204,
        stranger=404,
        whose=OWN,
        make=makers.a_notification,
    ),
    Rule("GET /notifications/preferences", "notification:read", 200, whose=OWN),
    Rule(
        "PUT /notifications/preferences",
        "notification:update",
        200,
        whose=OWN,
        body={"timezone": "Asia/Tokyo"},
    ),
    Rule("GET /notifications/mutes", "notification:read", 200, whose=OWN),
    Rule(
        "PUT /notifications/mutes/{entityType}/{id}",
        "notification:update",
        200,
        whose=OWN,
        make=makers.something_to_mute,
        body={},
    ),
    Rule(
        "DELETE /notifications/mutes/{entityType}/{id}",
        "notification:update",
        204,
        whose=OWN,
        make=makers.something_to_mute,
    ),
    Rule("GET /notifications/held", "notification:read", 200, whose=OWN),
    Rule(
        "GET /notifications/{id}/trace",
        "notification:read",
        200,
        stranger=404,
        whose=OWN,
        make=makers.a_notification,
    ),
    Rule("GET /notifications/types", "notification:read", 200),
    Rule(
        "PUT /notifications/types/{type}",
        "role:manage",
        403,
        admin=200,
        make=makers.a_notification_type,
        body={"critical": None},
    ),
    Rule("GET /push-subscriptions/key", "notification:read", 200),
    Rule("GET /push-subscriptions", "notification:read", 200, whose=OWN),
    Rule(
        "POST /push-subscriptions",
        "notification:update",
        201,
        whose="for the browser of your session; no API keys",
        make=makers.a_browser,
        body=makers.as_made,
        others={"key_with": 403},
    ),
    # A browser may report the end of its subscription late.
    Rule(
        "DELETE /push-subscriptions",
        "notification:update",
        204,
        whose=OWN,
        make=makers.a_browser,
        body=lambda made: {"endpoint": made["endpoint"]},
    ),
    Rule(
        "DELETE /push-subscriptions/{id}",
        "notification:update",
        204,
        stranger=404,
        whose=OWN,
        make=makers.a_push_subscription,
    ),
]

ROOMS: list[Room] = [
    Room("admin", "audit:read", None, owner=False, stranger=False, manager=False, admin=True),
    Room("feed", "post:read", None, owner=True, stranger=True, manager=True, admin=True),
    Room("leads", "lead:read", None, owner=False, stranger=False, manager=True, admin=True),
    Room("user", "notification:read", makers.own_id, owner=True, stranger=False, manager=False, admin=False),
    Room("post", "post:read", makers.post_id, owner=True, stranger=True, manager=True, admin=True),
    Room("profile", "post:read", makers.own_id, owner=True, stranger=True, manager=True, admin=True),
    *WORK_ROOMS,
    *MESSAGING_ROOMS,
]
