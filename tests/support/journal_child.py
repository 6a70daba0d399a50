"""A process that uses a journal as fast as it can and says what was acknowledged, until it is killed."""

import random
import sys
from pathlib import Path

from kaigate.ledger.journal import Journal
from kaigate.ledger.record import UsageRecord, decode, encode


def record(identifier: str, *, estimated: bool) -> bytes:
    """A record of varying length."""
    return encode(
        UsageRecord(
            id=identifier,
            at_ms=1,
            request_id="r" * random.randint(1, 128),
            key_id="k",
            team="t",
            user="u" * random.randint(0, 128),
            model="m",
            provider="p",
            surface="s",
            outcome="ok",
            nanodollars=1,
            input_tokens=1,
            output_tokens=1,
            estimated=estimated,
        )
    )


def say(what: str, identifier: str) -> None:
    """One unbuffered line: what is in the pipe is read after the end, too."""
    sys.stdout.buffer.write(f"{what} {identifier}\n".encode())
    sys.stdout.buffer.flush()


def main(folder: Path, name: str) -> None:
    """Reserve, settle some, deliver some, for ever."""
    random.seed(name)
    journal = Journal(folder, capacity=64, segment_bytes=128 * 1024, max_segments=512)
    journal.recover()
    print("ready", flush=True)
    waiting: list[str] = []
    for number in range(10**9):
        identifier = f"{name}-{number}"
        journal.reserved(identifier, number, record(identifier, estimated=True))
        say("reserved", identifier)
        waiting.append(identifier)
        if len(waiting) > 32:
            settled = waiting.pop(random.randrange(len(waiting)))
            journal.settled(settled, record(settled, estimated=False))
            say("settled", settled)
        if number % 100 == 99:
            found = journal.outbox(random.randint(1, 60))
            for _, data in found:
                # SQL has it from here on, whether or not it is acknowledged to the journal.
                say("delivered", decode(data).id)
            journal.delivered([entry for entry, _ in found])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
