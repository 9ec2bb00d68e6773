"""Answers of a language model: leased from PostgreSQL, streamed from the provider, stored, then shown.

Ten times a second one statement writes the new text of all answers that the worker has in hand; after its
commit the text is pushed to the web processes, so everything shown is stored. If a worker dies, another one
starts its answers anew once their leases have run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import Database, sql
from nexcorp.domain.answers import CHANNEL, Part, pack_parts, tell_ended
from nexcorp.errors import AppError
from nexcorp.integrations.ai import End, Model, ModelError
from nexcorp.logs import seldom
from nexcorp.realtime.bus import Publisher
from workers import POOL_WAIT_SECONDS
from workers.metrics import ANSWERS, FIRST_WORD_SECONDS
from workers.prompts import CHARS_A_TOKEN, Prompt, make_prompt

log = structlog.get_logger("nexcorp.answering")

POLL_SECONDS = 0.5
FLUSH_SECONDS = 0.1
LEASE_SECONDS = 10.0
RENEW_SECONDS = 2.0
MAX_FAILURES = 3
# Answers whose files are read at the same time.
READING_AT_ONCE = 2
# How long a stopping worker lets answers finish; it hands the rest over.
GRACE_SECONDS = 8.0
# While PostgreSQL is away, a finished answer waits for it.
END_TRIES, END_PAUSE_SECONDS = 30, 1.0
END_SECONDS = 5.0
MAX_ANSWER_CHARS = 1_000_000
MAX_REASON_CHARS = 500


class Answer:
    """One answer that this worker writes.

    `stored`: how many of its characters PostgreSQL has. `lost`: it is not this worker's any more. `ending`:
    its end is being recorded, which must not be cancelled.
    """

    __slots__ = (
        "attempt",
        "began",
        "cancelled",
        "ending",
        "failures",
        "id",
        "lost",
        "owner_id",
        "pending",
        "stored",
        "task",
    )

    def __init__(self, row: Any) -> None:
        self.id: UUID = row["message_id"]
        self.owner_id: UUID = row["owner_id"]
        self.attempt: int = row["attempt"]
        self.failures: int = row["failures"]
        self.cancelled: bool = row["cancelled"]
        self.lost = self.ending = False
        self.stored: int = row["stored"]
        self.pending: list[str] = []
        self.began = time.monotonic()
        self.task: asyncio.Task[None] | None = None

    @property
    def chars(self) -> int:
        """The length of the answer so far, in characters."""
        return self.stored + sum(map(len, self.pending))

    def stop(self) -> None:
        """Cancel the request to the provider, unless the end is being recorded."""
        if self.task is not None and not self.ending:
            self.task.cancel()


class Answering:
    """Writes the answers of one worker process, `at_once` at a time; without a model questions wait."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        model: Model | None,
        worker_id: str,
        *,
        at_once: int,
        context_tokens: int,
        answer_tokens: int,
    ) -> None:
        self.database, self.publisher, self.model, self.worker_id = database, publisher, model, worker_id
        self.at_once, self.answer_tokens = at_once, answer_tokens
        self.context_chars = round(context_tokens * CHARS_A_TOKEN)
        self.answers: dict[UUID, Answer] = {}
        self._wake = asyncio.Event()
        # Set when an answer has its first words, which are shown at once.
        self._begun = asyncio.Event()
        # Only one statement at a time writes answers, so that parts are stored in order.
        self._writing = asyncio.Lock()
        self._reading = asyncio.Semaphore(READING_AT_ONCE)
        self._looking = asyncio.Lock()
        self._closing = False
        self._renewed = 0.0

    def wake(self) -> None:
        """Look for questions and cancelled answers now."""
        self._wake.set()

    async def run(self) -> None:
        """Claim and write answers until cancelled."""
        flushing = asyncio.create_task(self._flush_always())
        try:
            while self.model is not None:
                try:
                    async with self._looking:
                        await self._look(self.model)
                except AppError as error:
                    if seldom(f"answers {error.code}"):
                        log.warning("questions wait", reason=error.code)
                except Exception as error:
                    # Without its text and traceback: they may hold parts of a question.
                    log.error("answering failed", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            flushing.cancel()

    async def close(self) -> None:
        """Claim no more, let answers finish for GRACE_SECONDS, and hand the rest over."""
        self._closing = True
        # A claim that is on its way is given back by its task.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS), self._looking:
                pass
        tasks = [answer.task for answer in self.answers.values() if answer.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for answer in list(self.answers.values()):
            answer.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=END_SECONDS)
        if self.model is not None:
            await self.model.close()

    async def _look(self, model: Model) -> None:
        """End cancelled answers, and claim due ones."""
        free = self.at_once - len(self.answers)
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            cancelled = (
                await sql.ai_answers.list_cancelled(conn, worker_id=self.worker_id) if self.answers else []
            )
            rows: Sequence[Any] = []
            if free > 0 and not self._closing:
                rows = await sql.ai_answers.claim_answers(
                    conn, worker_id=self.worker_id, lease_seconds=LEASE_SECONDS, most=free
                )
        for row in cancelled:
            self._cancel(row["message_id"])
        for row in rows:
            answer = Answer(row)
            self.answers[answer.id] = answer
            answer.task = asyncio.create_task(self._write(model, answer))

    def _cancel(self, message_id: UUID) -> None:
        answer = self.answers.get(message_id)
        if answer is not None and not answer.cancelled:
            answer.cancelled = True
            answer.stop()

    async def _write(self, model: Model, answer: Answer) -> None:
        """Make one attempt at an answer, and record its end."""
        prompt, end = Prompt([], []), End("stop")
        try:
            try:
                if answer.cancelled or self._closing:
                    raise asyncio.CancelledError
                if answer.failures > MAX_FAILURES:
                    raise ModelError("worker_died")
                if answer.attempt > 1:
                    await self._begin_anew(answer)
                prompt, wanted = await make_prompt(
                    self.database, answer.id, answer.owner_id, self.context_chars, self._reading
                )
                end = await self._stream(model, answer, prompt, wanted)
                status, reason = ("done", None) if end.reason == "stop" else ("incomplete", end.reason)
            except asyncio.CancelledError:
                answer.ending = True
                if answer.lost:
                    return
                if not answer.cancelled:
                    await self._put_off(answer, 0.0, None, is_failure=False)
                    return
                status, reason = "cancelled", None
            except ModelError as error:
                answer.ending = True
                if error.retry and answer.failures < MAX_FAILURES and not answer.cancelled:
                    wait = error.wait if error.wait is not None else 2.0**answer.failures
                    await self._put_off(answer, wait, error.reason, is_failure=True)
                    return
                status, reason = ("incomplete" if answer.chars else "failed"), error.reason
            answer.ending = True
            await self._end(answer, status, reason, prompt, end)
        except AppError as error:
            log.warning("an answer is left", answer=str(answer.id), reason=error.code)
            await self._hand_back(answer)
        except Exception as error:
            log.error("an answer failed", answer=str(answer.id), error=type(error).__name__)
        finally:
            self.answers.pop(answer.id, None)
            self._wake.set()

    async def _stream(self, model: Model, answer: Answer, prompt: Prompt, wanted: str | None) -> End:
        """Take the answer from the provider; raises ModelError."""
        if not prompt.messages:
            raise ModelError("question_gone")
        async with aclosing(
            model.ask(prompt.messages, model=wanted, most_tokens=self.answer_tokens)
        ) as parts:
            async for part in parts:
                if isinstance(part, End):
                    return part
                if not part:
                    continue
                if not answer.chars:
                    FIRST_WORD_SECONDS.observe(time.monotonic() - answer.began)
                    self._begun.set()
                answer.pending.append(part)
                if answer.chars > MAX_ANSWER_CHARS:
                    return End("length")
        raise ModelError("provider_cut", retry=True)

    async def _flush_always(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._begun.wait()
            self._begun.clear()
            try:
                await self.flush()
            except AppError as error:
                # The text is kept, and stored with the next.
                log.debug("answers wait to be stored", reason=error.code)
            except Exception as error:
                log.error("answers could not be stored", error=type(error).__name__)

    async def flush(self) -> None:
        """Store and show new text, and renew leases every RENEW_SECONDS."""
        now = time.monotonic()
        renews = now - self._renewed > RENEW_SECONDS
        async with self._writing:
            answers = [one for one in self.answers.values() if (one.pending or renews) and not one.lost]
            if not answers:
                return
            counts = [len(one.pending) for one in answers]
            texts = ["".join(one.pending) for one in answers]
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                rows = await sql.ai_answers.flush_answers(
                    conn,
                    worker_id=self.worker_id,
                    lease_seconds=LEASE_SECONDS,
                    ids=[one.id for one in answers],
                    attempts=[one.attempt for one in answers],
                    places=[one.stored for one in answers],
                    texts=texts,
                )
            if renews:
                self._renewed = now
            mine = {row["message_id"]: row["cancelled"] for row in rows}
            parts = []
            for one, count, text in zip(answers, counts, texts, strict=True):
                del one.pending[:count]
                if text and one.id in mine:
                    parts.append(Part(one.id, one.attempt, one.stored, text))
                one.stored += len(text)
                if one.id not in mine:
                    one.lost = True
                    one.stop()
        for message_id, cancelled in mine.items():
            if cancelled:
                self._cancel(message_id)
        await self._show(parts)

    async def _show(self, parts: list[Part]) -> None:
        if parts:
            await self.publisher.publish([(CHANNEL, pack_parts(parts))])

    async def _begin_anew(self, answer: Answer) -> None:
        """Delete the text of earlier attempts, and have readers fetch the answer anew."""
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            await sql.ai_answers.drop_chunks(conn, message_id=answer.id, attempt=answer.attempt)
        await self._show([Part(answer.id, answer.attempt, 0, None)])

    async def _put_off(self, answer: Answer, seconds: float, reason: str | None, *, is_failure: bool) -> None:
        """Release the answer, for another attempt by any worker after `seconds`."""
        async with self._writing, self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            await sql.ai_answers.put_off_answer(
                conn,
                worker_id=self.worker_id,
                message_id=answer.id,
                attempt=answer.attempt,
                seconds=seconds,
                reason=reason and reason[:MAX_REASON_CHARS],
                is_failure=is_failure,
            )
        ANSWERS.labels("put_off").inc()

    async def _hand_back(self, answer: Answer) -> None:
        """Queue an answer again once PostgreSQL is back: an outage must not count as a failure of the answer.

        After LEASE_SECONDS another worker may have it, and this one gives up.
        """
        until = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(END_PAUSE_SECONDS)
            with contextlib.suppress(AppError):
                await self._put_off(answer, 0.0, None, is_failure=False)
                return

    async def _end(self, answer: Answer, status: str, reason: str | None, prompt: Prompt, end: End) -> None:
        """Record the end and announce it, with up to END_TRIES tries while PostgreSQL is away."""
        for last in range(END_TRIES):
            try:
                await self._end_once(answer, status, reason, prompt, end)
                break
            except AppError:
                if last == END_TRIES - 1:
                    raise
                await asyncio.sleep(END_PAUSE_SECONDS)

    async def _end_once(
        self, answer: Answer, status: str, reason: str | None, prompt: Prompt, end: End
    ) -> None:
        async with self._writing:
            rest = "".join(answer.pending)
            asked = status != "failed" or bool(prompt.messages)
            prompt_tokens = end.prompt_tokens
            if prompt_tokens is None:
                prompt_tokens = prompt.tokens if asked else 0
            completion_tokens = end.completion_tokens
            if completion_tokens is None:
                completion_tokens = round(answer.chars / CHARS_A_TOKEN)
            async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
                row = await sql.ai_answers.end_answer(
                    conn,
                    worker_id=self.worker_id,
                    message_id=answer.id,
                    attempt=answer.attempt,
                    place=answer.stored,
                    rest=rest,
                    status=status,
                    reason=reason and reason[:MAX_REASON_CHARS],
                    context=prompt.context,
                    prompt_tokens=prompt_tokens,
                    completion_tokens=completion_tokens,
                )
                if row is None:
                    return
                await tell_ended(
                    conn, row["chat_id"], answer.id, row["owner_id"], status, prompt_tokens, completion_tokens
                )
            # flush() has nothing left to store.
            answer.lost = True
        ANSWERS.labels(status).inc()
        if status == "failed":
            log.warning(
                "a question has no answer", answer=str(answer.id), reason=(reason or "").partition(":")[0]
            )
        parts = [Part(answer.id, answer.attempt, answer.stored, rest)] if rest else []
        await self._show([*parts, Part(answer.id, answer.attempt, answer.stored + len(rest), None)])
