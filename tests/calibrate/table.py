"""What the calibrations share: a database, rows in bulk, and a table of targets. Nothing of any estimator stands here.

    CLICKHOUSE_URL=... CLICKHOUSE_DATABASE=SCRATCH target/python-venv/bin/python tests/calibrate/NAME.py [SEEDS | short]

Without an argument the full number of seeds. `short` runs few, fixed ones, and then a target counts as missed only if the figure
contradicts it: so far off that 1 in 1,000 such runs would be, were the target just met.
"""

import pathlib
import re
import sys

from scipy import stats

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sql"))
import store

# The questions are asked over tables that stand in for models: no run is made.
store.ANSWERS = re.compile("(?!)")

SHORT = "short" in sys.argv[1:]


def seeds(full, short):
    """How many simulated worlds: what the command line says, else by the kind of run."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    return numbers[0] if numbers else short if SHORT else full


def stand_in(name, columns, order):
    """Puts an empty table in the place of a view, so that simulated rows reach the views above it."""
    kind = store.ask(f"SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = '{name}'")
    store.run(f"DROP {'VIEW' if kind and kind[0][0] == 'View' else 'TABLE'} IF EXISTS {name}")
    store.run(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY ({order})")


def question(answer, as_of="2000-01-01 00:00:00"):
    """The SELECT of an answer over models that tables of the same names stand in for; how far the data reach, if it matters."""
    text = (store.MIGRATIONS / "answers" / f"{answer}.sql").read_text()
    return "(" + re.sub(r"\{model\.(\w+)\}", r"\1", text.replace("{as_of}", f"toDateTime64('{as_of}', 3, 'UTC')")) + ")"


def load(name, columns, rows):
    """Inserts rows as tab-separated text; empties the table first."""
    store.run(f"TRUNCATE TABLE {name}")
    store.run(f"INSERT INTO {name} ({columns}) FORMAT TSV\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))


class Table:
    """Rows of target and figure. `promised` targets are those that docs/calibration.md lists as met."""

    def __init__(self, title):
        self.broken = []
        print(f"{title}\n  {'quantity':64} {'target':>18} {'figure':>9}  verdict", flush=True)

    def _row(self, name, target, figure, met, promised, more):
        verdict = "met" if met else "missed" if promised or SHORT else "missed, as documented"
        if not promised and met:
            verdict = "met, though not promised"
        print(f"  {name:64} {target:>18} {figure:>9}  {verdict}{', ' + more if more else ''}", flush=True)
        if promised and not met:
            self.broken.append(name)

    def share(self, name, count, of, low, high, promised=True, more=""):
        """A share in percent that has to lie within bounds."""
        if SHORT:
            met = stats.binom.cdf(count, of, low / 100) > 0.0005 and stats.binom.sf(count - 1, of, high / 100) > 0.0005
        else:
            met = of > 0 and low <= 100 * count / of <= high
        self._row(name, f"{low:g} to {high:g} %", f"{100 * count / of:.1f} %" if of else "none", met, promised, f"{of} cases" + (f", {more}" if more else ""))

    def most(self, name, figure, most, promised=True, more="", slack=1.0):
        """A figure that may be at most so large; short runs allow the slack."""
        self._row(name, f"at most {most:g}", f"{figure:.2f}", figure <= most * (slack if SHORT else 1), promised, more)

    def end(self):
        """Ends the program: with an error if a promise is broken."""
        if self.broken:
            print(f"missed although docs/calibration.md lists it as met: {'; '.join(self.broken)}", flush=True)
        sys.exit(1 if self.broken else 0)
