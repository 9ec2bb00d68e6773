"""The worker process: SAQ's settings, and the tasks beside its jobs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import Any

import asyncpg
import structlog
from saq import CronJob, Worker

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery.wake import Waker, make_queue
from nexcorp.errors import AppError
from nexcorp.extras import make_tracer
from nexcorp.features import PRODUCT
from nexcorp.features.overview.sampling import Sampler, name_process
from nexcorp.integrations.ai import make_model
from nexcorp.integrations.mail import Mailer, make_mailer
from nexcorp.integrations.push import Pusher, make_pusher
from nexcorp.integrations.storage import make_stores
from nexcorp.logs import seldom
from nexcorp.manifest import Product, load_object
from nexcorp.realtime import bus
from nexcorp.realtime.rooms import list_gatherers
from nexcorp.realtime.sharded import make_publisher
from nexcorp.redis_client import CONNECTION_LOST, Lanes, connect
from nexcorp.security.secrets import Secrets
from nexcorp.web.cache import Cache
from nexcorp.web.effects import make_performer
from workers.answering import Answering
from workers.delivery import Delivery, poll
from workers.jobs.mail import MailQueue, poll_mails
from workers.jobs.months import begin_months
from workers.metrics import JOBS, count_work
from workers.patience import GRACE_SECONDS, PatientQueue, PatientWorker
from workers.repositories import make_syncer, poll_syncer
from workers.sending import Sender, poll_sender
from workers.sending_mail import MailChannel
from workers.sending_push import PushChannel
from workers.served import serve_metrics
from workers.settling import Settler, poll_settler
from workers.telling import Channels
from workers.webhooks import Webhooks

log = structlog.get_logger("nexcorp.worker")

CONCURRENCY = 10
BEAT_SECONDS = 5.0
# A worker that was halted in the middle of a batch keeps its lanes no longer than this, or twice this if
# PostgreSQL sees it as active; see end_stalled in sql/events.sql.
IDLE_SECONDS = 5
# Platforms kill a process 30 s after they tell it to stop.
STOP_SECONDS = 25.0


def list_jobs(product: Product) -> list[Any]:
    """Return the functions that SAQ runs."""
    return [load_object(job.function) for job in product.jobs]


def list_crons(product: Product) -> list[CronJob[Any]]:
    """Return the jobs that SAQ runs by schedule."""
    return [
        CronJob(load_object(job.function), cron=job.cron, timeout=job.seconds, retries=5, ttl=60)
        for job in product.jobs
        if job.cron is not None
    ]


async def beat(database: Database, worker_id: str, delivery: Delivery) -> None:
    """Record every few seconds that this worker runs, for /ready, and count the others; until cancelled.

    Also ends halted connections that hold lanes and that PostgreSQL itself does not end.
    """
    while True:
        try:
            async with database.connection(wait=2.0) as conn:
                await sql.events.beat(conn, worker_id=worker_id)
                delivery.workers = await sql.events.count_running_workers(conn) or 1
                ended = await sql.events.end_stalled(conn, idle_seconds=IDLE_SECONDS)
            if ended:
                log.warning("ended what held lanes and stood still", connections=ended)
        except AppError:
            log.debug("the heartbeat waits for the database")
        except Exception:
            log.exception("heartbeat failed")
        await asyncio.sleep(BEAT_SECONDS)


async def open_database(database: Database) -> None:
    """Connect, and wait for the first migration: before it there is nothing to do."""
    await database.open_patiently()
    await database.await_migrations()
    # May fail in a database that another release has migrated; the cleanup repeats it.
    with contextlib.suppress(AppError, asyncpg.PostgresError):
        async with database.connection() as conn:
            await sql.preferences.leave_unknown_zones(conn)


async def finish_jobs(worker: Worker[Any], queue: PatientQueue) -> None:
    """Take no new jobs and let running ones end. SAQ's own grace would wait for its idle tasks, too."""
    queue.closing = True
    deadline = time.monotonic() + GRACE_SECONDS
    while worker.job_task_contexts and time.monotonic() < deadline:  # noqa: ASYNC110 - SAQ has no event
        await asyncio.sleep(0.05)


async def run_saq(config: Config, product: Product, context: dict[str, Any], stop: asyncio.Event) -> None:
    """Run SAQ's worker, again whenever Redis takes it down, until `stop` is set."""

    async def share(ctx: Any) -> None:
        ctx.update(context)

    async def count(ctx: Any) -> None:
        JOBS.labels(ctx["job"].function, "failed" if "exception" in ctx else "done").inc()

    backoff = 0.2
    while not stop.is_set():
        client = connect(config.redis_url, blocking=True)
        queue = PatientQueue(client)
        worker = PatientWorker(
            queue,
            list_jobs(product),
            concurrency=CONCURRENCY,
            cron_jobs=list_crons(product),
            startup=share,
            after_process=count,
        )
        # This process handles signals: SAQ would stop its loop and leave the rest running.
        worker.SIGNALS = []
        running = asyncio.create_task(worker.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await finish_jobs(worker, queue)
            await worker.stop()
            await running
            backoff = 0.2
        except CONNECTION_LOST as error:
            if seldom("saq"):
                log.warning("SAQ waits for Redis", error=type(error).__name__)
        finally:
            # If SAQ's stop() fails, its start() may have failed as well, unnoticed.
            await end_tasks((running, stopping))
            with contextlib.suppress(*CONNECTION_LOST):
                await client.aclose()
        if not stop.is_set():
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, 5.0)


def make_senders(
    config: Config, database: Database, product: Product, mailer: Mailer | None, pusher: Pusher | None
) -> dict[str, Sender]:
    """Return a Sender for each configured channel, by its name."""
    channels: list[MailChannel | PushChannel] = []
    if mailer is not None:
        key = Secrets.from_config(config).unsubscribe[0]
        channels.append(MailChannel(mailer, product, config.base_url, key))
    if pusher is not None:
        channels.append(PushChannel(pusher, product, config.base_url))
    return {channel.name: Sender(database, channel, product) for channel in channels}


async def run_worker(config: Config) -> None:
    """Run the worker process until SIGTERM or SIGINT, and at most STOP_SECONDS longer."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving, stopping = asyncio.create_task(serve(config, stop)), asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if not serving.done():
        # Like kill -9, after which other workers take over. Tasks that wait for an absent database would keep
        # waiting even when cancelled.
        log.warning("a worker ends with work in hand", seconds=STOP_SECONDS)
        os._exit(0)
    await end_tasks([stopping])
    await serving


async def serve(config: Config, stop: asyncio.Event, product: Product = PRODUCT) -> None:
    """Deliver, send heartbeats and run jobs until `stop` is set; then finish running work."""
    worker_id = name_process()
    tracer = make_tracer(config, "nexcorp-worker")
    database = Database(config, application="nexcorp worker", idle_seconds=IDLE_SECONDS)
    if tracer is not None:
        database.watchers.append(tracer.note_statement)
    opening = asyncio.create_task(open_database(database))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
    failure = opening.exception() if opening.done() else None
    if not opening.done() or failure is not None:
        await end_tasks([opening, stopping])
        await database.close()
        if tracer is not None:
            await tracer.close()
        if failure is not None:
            raise failure
        return
    lanes = Lanes(config.redis_url, check_seconds=bus.CHECK_SECONDS)
    publisher = make_publisher(lanes, list_gatherers(product.rooms))
    mailer, pusher = make_mailer(config), make_pusher(config)
    delivery = Delivery(
        database,
        publisher.publish_frames,
        product,
        publisher.list_heard,
        mentions_a_minute=config.mentions_a_minute,
        channels=Channels(mail=mailer is not None, push=pusher is not None),
        tracer=tracer,
    )
    mails = MailQueue(database, mailer, config.base_url)
    notices = make_senders(config, database, product, mailer, pusher)
    settler = Settler(database)
    webhooks = Webhooks(database, config, product, worker_id)
    syncer = make_syncer(config, database)
    answering = Answering(
        database,
        publisher,
        make_model(config),
        worker_id,
        at_once=config.ai_at_once,
        context_tokens=config.ai_context_tokens,
        answer_tokens=config.ai_answer_tokens,
    )
    stores = make_stores(config)
    context = {
        "config": config,
        "database": database,
        "delivery": delivery,
        "mails": mails,
        "pushes": notices.get("push"),
        "webhooks": webhooks,
        "answering": answering,
        "stores": stores,
        "product": product,
    }
    waking = connect(config.redis_url, blocking=True)
    waker = Waker(make_queue(waking), product.job_seconds)
    cache = Cache(config.redis_url)
    database.perform = make_performer(waker, cache, None, keeps_lists=config.cache, others={})
    saq = asyncio.create_task(run_saq(config, product, context, stop))
    tasks = [
        asyncio.create_task(waker.run()),
        asyncio.create_task(begin_months(database)),
        asyncio.create_task(poll(delivery)),
        asyncio.create_task(poll_mails(mails)),
        *(asyncio.create_task(poll_sender(sender)) for sender in notices.values()),
        asyncio.create_task(poll_settler(settler)),
        asyncio.create_task(webhooks.run()),
        asyncio.create_task(poll_syncer(syncer)),
        asyncio.create_task(answering.run()),
        asyncio.create_task(beat(database, worker_id, delivery)),
        asyncio.create_task(Sampler(database, worker_id, "worker", waker.queue, count_work).run()),
    ]
    metrics = await serve_metrics(config)
    log.info("worker runs", worker=worker_id)
    await stopping
    closing = (
        settler.close(),
        answering.close(),
        webhooks.close(),
        syncer.close(),
        *(sender.close() for sender in notices.values()),
    )
    await asyncio.gather(saq, *closing, return_exceptions=True)
    await end_tasks(tasks)
    with contextlib.suppress(AppError):
        async with database.connection(wait=1.0) as conn:
            await sql.events.end_beat(conn, worker_id=worker_id)
    if metrics is not None:
        await metrics.cleanup()
    for sender in notices.values():
        await sender.channel.close()
    for store in stores.values():
        store.close()
    await cache.close()
    await publisher.client.aclose()
    await waking.aclose()
    await database.close()
    if tracer is not None:
        await tracer.close()
