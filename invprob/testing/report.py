"""What `conforms` answers: a table, true if nothing failed."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Result = Literal["passed", "failed", "skipped", "not asked"]


@frozen
class Outcome:
    """What one check found.

    Attributes:
        check: the check's name.
        result: passed, failed, skipped (with a reason) or not asked (the part lacks a method).
        detail: the figure, the failure in words, or the reason.
    """

    check: str
    result: Result
    detail: str


@frozen
class Report:
    """The outcome of every check of a part. It is true if none failed; `str` gives the table."""

    part: str
    kind: str
    outcomes: tuple[Outcome, ...]

    def __bool__(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def passed(self) -> tuple[str, ...]:
        """The names of the checks that passed."""
        return self._names("passed")

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return self._names("failed")

    @property
    def skipped(self) -> tuple[str, ...]:
        """The names of the checks that had nothing to say, or were withdrawn."""
        return self._names("skipped")

    def __str__(self) -> str:
        """The table: a line per check that ran, then what did not run and why, then a count.

        A failure that says what an earlier one said only refers to it.
        """
        lines = [f"{self.kind} {self.part}"]
        ran = [o for o in self.outcomes if o.result in ("passed", "failed")]
        width = max((len(o.check) for o in ran), default=0)
        first: dict[str, str] = {}
        for o in ran:
            said = "".join(o.detail.split("\n")[1:2]) if o.result == "failed" else ""
            if said and first.setdefault(said, o.check) != o.check:
                detail = f"as {first[said]}"
            else:
                detail = o.detail.replace("\n", "\n" + " " * (width + 12))
            lines.append(f"  {o.check:<{width}}  {o.result}  {detail}".rstrip())
        for reason in dict.fromkeys(o.detail for o in self.outcomes if o.result == "skipped"):
            names = [o.check for o in self.outcomes if (o.result, o.detail) == ("skipped", reason)]
            lines.append(f"  skipped {', '.join(names)}: {reason}")
        lacking = sorted({o.detail for o in self.outcomes if o.result == "not asked"})
        if lacking:
            lines.append(f"  not asked what it can't do: it is {', '.join(lacking)}")
        lines.append(
            f"  {len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        )
        return "\n".join(lines)

    def _names(self, result: Result) -> tuple[str, ...]:
        return tuple(o.check for o in self.outcomes if o.result == result)
