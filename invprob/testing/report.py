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
        """The table: one line per check, then what was not asked, then a count."""
        lines = [f"{self.kind} {self.part}"]
        shown = [o for o in self.outcomes if o.result != "not asked"]
        width = max((len(o.check) for o in shown), default=0)
        for o in shown:
            detail = o.detail.replace("\n", "\n" + " " * (width + 13))
            lines.append(f"  {o.check:<{width}}  {o.result:<7}  {detail}".rstrip())
        lacking = sorted({o.detail for o in self.outcomes if o.result == "not asked"})
        if lacking:
            lines.append(f"  not asked, because the part is {', '.join(lacking)}")
        lines.append(
            f"  {len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        )
        return "\n".join(lines)

    def _names(self, result: Result) -> tuple[str, ...]:
        return tuple(o.check for o in self.outcomes if o.result == result)
