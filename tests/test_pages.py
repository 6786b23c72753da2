"""Pages that people write or that stored runs make: what they promise about their own form."""

import re
from pathlib import Path

import pytest

from nnks.reproduce.paper import CLAIMS

ROOT = Path(__file__).parents[1]
REPRODUCTION = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")


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
    from nnks.reproduce import ITEMS, page

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
