"""The report in a real browser: no errors, sorting and filtering work, legible on a phone."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, store):
    from nnks.analysis import write_report

    for seed, energy in enumerate((-75.9128, -75.9120, -75.9110)):
        store.add(ansatz="residual", seed=seed, energy=energy)
    store.add(ansatz="lcgto", energy=-75.8179063)
    store.add(label="<img src=x onerror=console.error(1)>", basis="sto-3g", energy=-74.7)
    html = write_report(store.study).html
    shown = browser.new_page(viewport={"width": 1000, "height": 800})
    shown.problems = []
    shown.on("console", lambda message: shown.problems.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: shown.problems.append(str(error)))
    shown.on("request", lambda r: shown.problems.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    shown.goto(html.as_uri())
    yield shown
    shown.close()


def column(page, heading, name):
    within = page.locator(f"details:has(summary:text-is('{heading}'))")
    if within.count():
        within.locator("summary").click()
    table = within.locator("table") if within.count() else page.locator(f"h2:text-is('{heading}') ~ div table").first
    index = table.locator("th").all_inner_texts().index(name)
    return table, index, lambda: [row.locator("td").nth(index).inner_text() for row in table.locator("tbody tr").all()]


def test_nothing_is_wrong_and_every_picture_is_seen(page):
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == 3
    assert min(widths) > 300
    assert page.problems == []


def test_columns_sort_both_ways(page):
    table, index, values = column(page, "Runs", "energy [Ha]")
    table.locator("th").nth(index).click()
    up = [float(x) for x in values()]
    assert up == sorted(up)
    assert len(set(up)) > 3
    table.locator("th").nth(index).click()
    assert [float(x) for x in values()] == up[::-1]
    assert page.problems == []


def test_rows_are_filtered(page):
    table, _, _ = column(page, "Methods", "method")
    page.locator("input[type=search]").fill("network")
    assert [row.is_visible() for row in table.locator("tbody tr").all()].count(True) == 1
    page.locator("input[type=search]").fill("")
    assert table.locator("tbody tr").first.is_visible()


def test_a_phone_scrolls_tables_and_not_the_page(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_opens_with_the_answer_and_one_figure(page):
    page.set_viewport_size({"width": 1280, "height": 1000})
    assert page.locator(".answer").inner_text().startswith("Nearest to the reference")
    assert [image.is_visible() for image in page.locator("img").all()].count(True) == 1
    assert [table.is_visible() for table in page.locator("table").all()].count(True) == 1
