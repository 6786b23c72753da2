"""Pages that people write or that stored runs make: what they promise about their own form."""

import re
from pathlib import Path

import pytest

from nnks_paper.paper import CLAIMS

ROOT = Path(__file__).parents[1]
REPRODUCTION = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")


DECISIONS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "decisions").glob("*.md")}
ENTRIES = {
    entry.partition("\n")[0]: entry.partition("\n")[2]
    for name, text in DECISIONS.items()
    if name != "index"
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
}
PARTS = ("Decision", "Why", "Evidence", "Rejected")
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")


def table_rows(text):
    """Cells of every row of every table."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not re.fullmatch(r"[|\-: ]+", line)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_no_cell_of_the_reproduction_is_long():
    cells = [cell for row in table_rows(REPRODUCTION) for cell in row]
    assert len(cells) > 500
    assert [cell for cell in cells if len(cell) > 200] == []


@pytest.mark.parametrize("claim", CLAIMS.values())
def test_a_claim_has_one_line_with_what_was_compared_and_a_link_to_its_details(claim):
    (row,) = [row for row in table_rows(REPRODUCTION) if row[0] == claim]
    _, verdict, compared, details = row
    assert re.fullmatch(r"\*\*[a-z ]+\*\*", verdict)
    assert compared
    items = re.findall(r"\(#(\w+)\)", details)
    assert items
    for item in items:
        assert f"\n## {item}\n" in REPRODUCTION


def test_the_page_of_the_reproduction_is_made_from_the_stored_reports(tmp_path):
    from nnks_paper import ITEMS, page

    folder = ROOT / "results" / "stored" / "reproduction"
    reports = page.stored(folder, ITEMS)
    assert len(reports) == len(ITEMS)
    written = page.write_page(reports, tmp_path / "reproduction.md", tmp_path / "figures", quick=False)
    text = written.read_text(encoding="utf-8").replace("(figures/", "(../results/stored/reproduction/")
    assert text == REPRODUCTION
    for report in reports:
        assert (folder / report.figure).is_file()
        kept = (folder / f"{report.name}.md").read_text(encoding="utf-8")
        assert kept == "\n\n".join([f"# {report.title}", *page.section(report, "")]) + "\n"


def sentences(text):
    """Words of every sentence; a link counts as its text."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("**", "")
    return [sentence.split() for sentence in re.split(r"(?<=[.?!:])\s+", plain) if sentence.strip()]


def test_there_are_few_enough_decisions_to_read():
    assert 25 <= len(ENTRIES) <= 40


@pytest.mark.parametrize("title", ENTRIES)
def test_a_decision_has_four_parts_in_at_most_120_words(title):
    entry = ENTRIES[title]
    assert re.findall(r"^\*\*(\w+)\.\*\*", entry, re.MULTILINE) == list(PARTS)
    said, _, rest = entry.partition("**Evidence.**")
    evidence, _, rejected = rest.partition("**Rejected.**")
    assert sum(map(len, sentences(f"{title}. {said} {LINK.sub('link', evidence)} {rejected}"))) <= 120
    for sentence in sentences(said) + sentences(rejected):
        assert len(sentence) <= 35, " ".join(sentence)


@pytest.mark.parametrize("title", ENTRIES)
def test_the_evidence_of_a_decision_is_there(title):
    evidence = ENTRIES[title].partition("**Evidence.**")[2].partition("**Rejected.**")[0]
    items = re.findall(r"^- (.*)$", evidence, re.MULTILINE)
    assert items
    for item in items:
        (target,) = LINK.findall(item)
        path = (ROOT / "docs" / "decisions" / target).resolve()
        assert path.is_relative_to(ROOT / "results") or path.is_relative_to(ROOT / "tests"), target
        assert path.is_file(), target
        for name in re.findall(r"`(test_\w+)`", item):
            assert f"def {name}(" in path.read_text(encoding="utf-8"), name


def test_the_index_names_every_decision():
    for title in ENTRIES:
        assert f"- {title}\n" in DECISIONS["index"]
