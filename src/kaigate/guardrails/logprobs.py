"""Holds token log probabilities back until the text that they repeat was released."""

from collections import deque
from typing import Final

from kaigate.chat.events import LogprobsDelta

_MAX_HELD: Final = 4096


class HeldLogprobs:
    """The log probabilities of one choice, released only for text already released unchanged.

    Each entry repeats answer text token by token, so an entry may leave no earlier than its text; once anything
    was redacted from the choice, all of them are dropped. More than 4096 waiting deltas are dropped as well.
    """

    __slots__ = ("_dropped", "_queue", "_seen")

    def __init__(self) -> None:
        self._queue: deque[tuple[int, LogprobsDelta]] = deque()
        self._seen = 0
        self._dropped = False

    def hold(self, event: LogprobsDelta) -> None:
        """Queue a delta behind the text it repeats."""
        if self._dropped:
            return
        # An incomplete character may be an empty token: it still counts as one, so offsets never run behind the text.
        self._seen += sum(max(len(entry.get("token", "")), 1) for entry in event.content or ())
        self._queue.append((self._seen, event))
        if len(self._queue) > _MAX_HELD:
            self.drop()

    def release(self, released: int) -> list[LogprobsDelta]:
        """Deltas whose text lies within the first `released` characters; those of refusals wait for the end."""
        out: list[LogprobsDelta] = []
        while self._queue and self._queue[0][0] <= released and self._queue[0][1].refusal is None:
            out.append(self._queue.popleft()[1])
        return out

    def rest(self) -> list[LogprobsDelta]:
        """Everything left, for the end of a choice from which nothing was redacted."""
        out = [event for _, event in self._queue]
        self._queue.clear()
        return out

    def drop(self) -> None:
        """Forget everything, now and later."""
        self._dropped = True
        self._queue.clear()
