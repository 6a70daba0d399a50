"""`python -m docs.generate`: write all generated pages."""

from docs.generate.pages import FOLDER, PAGES

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
