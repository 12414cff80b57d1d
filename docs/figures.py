"""Prints the answers of docs/sql.md anew: makes the world that the guide names, asks each question, and writes what it answers.

    make figures

A long answer is cut where the printed one is cut, a new one after eight rows. The sentences around the figures are people's: read them again
when figures changed.
"""

import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "sql.md"
PROGRAM = ROOT / "target" / "release" / "grapevine"
MARK = "-- next --"
ROWS = 8
BLOCK = re.compile(r"```sql\n(?P<sql>.*?)```\n\n```text\n(?P<text>.*?)```", re.S)


def statements(block):
    """The statements of a block, without comments."""
    sql = re.sub(r"^ *--.*$", "", block, flags=re.M)
    return [statement.strip() for statement in sql.split(";") if statement.strip()]


def options(guide):
    """What the guide says to `grapevine generate`."""
    command = re.search(r"^grapevine generate (.*?)--output", guide, re.S | re.M).group(1)
    return command.replace("\\\n", " ").split()


def ask(guide, questions):
    """Rows of each answer, the names of columns first."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"--output": f"{folder}/events.jsonl", "--dimensions": f"{folder}/dimensions.sql"}
        subprocess.run([PROGRAM, "generate", *options(guide), *(word for pair in files.items() for word in pair)], check=True)
        demo = [PROGRAM, "demo", "--input", files["--output"], "--dimensions", files["--dimensions"], "--format", "TSVWithNames"]
        for question in questions:
            demo += ["--query", question, "--query", f"SELECT '{MARK}' AS mark"]
        printed = subprocess.run(demo, check=True, capture_output=True, text=True).stdout
    answers = printed.split(f"mark\n{MARK}\n")[:-1]
    return [[line.split("\t") for line in answer.splitlines()] for answer in answers]


def cell(text):
    return {"\\N": "NULL"}.get(text, text.replace("\\'", "'"))


def table(rows):
    """Columns side by side, two blanks between them."""
    cells = [[cell(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in cells]


def limits(text):
    """How many rows of an answer are printed, by its columns."""
    found = {}
    # Of an answer without rows nothing is printed.
    for part in filter(None, re.split(r"\n\n", text.strip("\n"))):
        lines = part.splitlines()
        found[tuple(lines[0].split())] = len([line for line in lines[1:] if line != "…"])
    return found


def print_anew(text, answers):
    """The text of a block. An answer without rows is left out."""
    shown, parts = limits(text), []
    for rows in answers:
        if len(rows) > 1:
            most = max(shown.get(tuple(rows[0]), ROWS), 1)
            cut = ["…"] if len(rows) - 1 > most else []
            parts.append("\n".join(table(rows[: most + 1]) + cut))
    return "\n\n".join(parts) + "\n"


def main():
    guide = GUIDE.read_text()
    blocks = list(BLOCK.finditer(guide))
    questions = [statements(block["sql"]) for block in blocks]
    answers = iter(ask(guide, [question for block in questions for question in block]))
    texts = [print_anew(block["text"], [next(answers) for _ in asked]) for block, asked in zip(blocks, questions)]
    for block, text in reversed(list(zip(blocks, texts))):
        guide = guide[: block.start("text")] + text + guide[block.end("text") :]
    changed = sum(block["text"] != text for block, text in zip(blocks, texts))
    GUIDE.write_text(guide)
    print(f"{len(blocks)} answers printed, {changed} of them changed")


if __name__ == "__main__":
    main()
