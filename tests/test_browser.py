"""The pages in a real browser: they fit, can be read, and ask nobody for anything."""

import shutil

import pytest
from sample_results import COURSE, a_class

from autograder.report import write_report

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

PAGES = ["report.html", "李雷/feedback.html"]

LOW_CONTRAST = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour[3] === undefined || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.add(`${element.className || element.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def browser():
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for result in a_class():
        result.write(folder)
    write_report(folder, COURSE)
    return folder


@pytest.fixture
def visit(browser, reports):
    opened = []

    def visit(page, **options):
        tab = browser.new_page(**options)
        opened.append(tab)
        tab.complaints, tab.requested = [], []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("request", lambda request: tab.requested.append(request.url))
        tab.goto((reports / page).as_uri())
        return tab

    yield visit
    for tab in opened:
        tab.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_and_ask_for_nothing(visit, page, width):
    tab = visit(page, viewport={"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.complaints == []
    assert len(tab.requested) == 1
    assert tab.evaluate("getComputedStyle(document.querySelector('.zh')).display") == "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_every_text_stands_out_from_its_ground(visit, page, scheme):
    assert visit(page, color_scheme=scheme).evaluate(LOW_CONTRAST) == []


def test_the_language_can_be_switched(visit):
    tab = visit("bob/feedback.html")
    assert "Unreadable" in tab.inner_text("main")
    assert "无法读取" not in tab.inner_text("main")
    tab.click("label[for=zh]")
    assert "无法读取" in tab.inner_text("main")
    assert "Unreadable" not in tab.inner_text("main")


def test_a_link_leads_to_the_students_page(visit):
    tab = visit("report.html")
    tab.click("table >> text=李雷")
    assert tab.inner_text(".who") == "李雷"


def test_mistakes_are_open_and_right_answers_closed(visit):
    tab = visit("李雷/feedback.html")
    assert tab.eval_on_selector("#policy_gradient_loss details", "element => element.open")
    assert not tab.eval_on_selector("#trajectory_returns details", "element => element.open")
