"""What a study found, as the report shows it: claims with their verdicts, figures, tables, pictures, examples."""

import threading
import time

from jinja2 import Environment, FunctionLoader, StrictUndefined

from genlab.results.report import Report, asset, sections
from genlab.results.store import StoreError
from genlab.view.watch import Moment

PATIENCE = 3.0  # seconds between two judgements of a study at least
SHARE = 6.0  # judging that took a second is not repeated before so many have passed: a run goes on beside it
WHY = """<p class="warnings">The claims of this study cannot be judged here: {{ why }}. Conditions and curves stand below.</p>"""


class Findings:
    """The judged part of the page for each study, made again when its conditions changed and not too often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, tuple[str, float, str]] = {}

    def html(self, moment: Moment, study: str) -> tuple[str, str]:
        """The version it was made of, and the part as HTML in which all that others wrote is escaped."""
        with self._lock:
            version, until, text = self._made.get(study, ("", 0.0, ""))
            if version == moment.versions[study] or time.monotonic() < until:
                return version, text
            began = time.monotonic()
            text = findings(moment, study)
            ended = time.monotonic()
            self._made[study] = moment.versions[study], ended + max(PATIENCE, SHARE * (ended - began)), text
            return moment.versions[study], text


def findings(moment: Moment, study: str) -> str:
    """The part for one study; where its code is gone or broken, why there is none."""
    try:
        report = judged(moment, study)
        return sections(report, {row.id: f"#condition={row.id}" for row in moment.rows[study]})
    except (StoreError, OSError):
        raise
    except Exception as error:  # a study's own code may raise anything
        environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(asset))
        return environment.from_string(WHY).render(why=_why(error))


def judged(moment: Moment, study: str) -> Report:
    """The report of one study at a moment."""
    from genlab.studies.reporting import report_of, summary_of  # draws figures for the report too: a second to import

    return report_of(moment.look.store, summary_of(moment.look, study))


def _why(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {error.name}, which is not installed here"
    return f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
