"""HAProxy: one address for the web nodes, one for the primary and one for the replica."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.cluster import Program
from tools.cluster.parts import POSTGRESES, WEBS, Ports, find_program, make_program, write_private

# The service's error envelope, for when a node cannot answer: it is down, has died, or hangs.
ENVELOPE = (
    '{{"statusCode":{status},"code":"unavailable","message":"{message}","errors":{{}},'
    '"timestamp":"%[date,utime("%Y-%m-%dT%H:%M:%SZ")]","path":"%[path,json(utf8s)]","requestId":""}}'
)
# Fields of a log line: node, status, termination state, ms queued, ms in total, method, path.
LOG_FORMAT = "%b/%s %ST %ts %Tw %Ta %HM %HPO"
# Most concurrent short requests per node: few, as all nodes share a few cores.
AT_ONCE = 8
ERRORS = {
    502: "The node that was asked has died; try again.",
    503: "No node answers at the moment; try again.",
    504: "The node that was asked takes too long; try again.",
}


def make_config(ports: Ports) -> str:
    """The text of haproxy.cfg."""
    webs = "".join(f"    server {name} 127.0.0.1:{ports.of(name)} maxconn {AT_ONCE}\n" for name in WEBS)
    tracks = "".join(f"    server {name} 127.0.0.1:{ports.of(name)} track webs/{name}\n" for name in WEBS)
    servers = "".join(
        f"    server {name} 127.0.0.1:{ports.of(name)} port {ports.of(name, 1)}\n" for name in POSTGRESES
    )
    errors = "".join(
        f"    http-error status {status} content-type application/json"
        f" lf-string '{ENVELOPE.format(status=status, message=message)}' hdr Retry-After 1\n"
        for status, message in ERRORS.items()
    )
    return f"""\
global
    maxconn 4000
    # What a reload leaves behind: sockets of the old process are cut then, and come back to the new one.
    hard-stop-after 15s
    log stdout format raw local0
defaults
    timeout connect 2s
    timeout check 1s
frontend stats
    mode http
    bind 127.0.0.1:{ports.stats}
    timeout client 10s
    stats enable
    stats uri /
    stats refresh 2s
frontend web
    mode http
    bind 127.0.0.1:{ports.web}
    log global
    log-format "{LOG_FORMAT}"
    option http-keep-alive
    timeout client 60s
    timeout http-request 10s
    # These last: sockets, and answers that come word by word.
    use_backend sockets if {{ hdr(Upgrade) -i websocket }}
    use_backend streams if {{ hdr_sub(Accept) text/event-stream }}
    default_backend webs
backend sockets
    mode http
    balance leastconn
    option forwardfor
    # For the answer to a handshake: a node that hangs is not waited for, another one is asked.
    timeout server 750ms
    timeout tunnel 1h
    option redispatch 1
    retries 3
    retry-on conn-failure empty-response response-timeout
{errors}\
{tracks}\
backend streams
    mode http
    balance leastconn
    option forwardfor
    timeout server 60s
    option redispatch 1
    retries 3
    retry-on conn-failure
{errors}\
{tracks}\
backend webs
    mode http
    balance leastconn
    option forwardfor
    timeout server 60s
    # More than the nodes work on at once is refused here, soon, and costs them nothing.
    timeout queue 30ms
    # A node that is not there is no answer: another one is asked. What was begun is not done twice.
    option redispatch 1
    retries 3
    retry-on conn-failure
    option httpchk GET /ready
{errors}\
    default-server check inter 1s fall 2 rise 1 fastinter 300ms
{webs}\
listen primary
    mode tcp
    bind 127.0.0.1:{ports.primary}
    timeout client 1h
    timeout server 1h
    # Patroni says who it is. Connections to one that no longer is are cut.
    option httpchk GET /primary
    default-server check inter 1s fall 2 rise 1 fastinter 300ms on-marked-down shutdown-sessions
{servers}\
listen replica
    mode tcp
    bind 127.0.0.1:{ports.replica}
    timeout client 1h
    timeout server 1h
    option httpchk GET /replica
    default-server check inter 1s fall 2 rise 1 fastinter 300ms on-marked-down shutdown-sessions
{servers}"""


def make_haproxy(home: Path, ports: Ports) -> Program:
    """Write the configuration and make the process; SIGUSR2 reloads the file."""
    file = write_private(home / "haproxy.cfg", make_config(ports))
    return make_program("haproxy", [find_program("haproxy"), "-W", "-f", str(file)], home)
