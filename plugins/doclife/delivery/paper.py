"""Plain pages to print: a title, facts, tables. What a PDF of ours looks like, whatever it says.

The fonts that every reader of PDF has know Western European letters. Others are written out as
their code points, and the page says so, unless a font is given that has them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont, TTLibError
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from doclife.errors import ConfigurationError

FONT = "DOCLIFE_PDF_FONT"
"""Variable with the path of a TrueType or OpenType font."""
_OWN = "own"
_CORE = "helvetica"
_MARGIN_MM = 18
_LINE_MM = 4.6
_GREY = (95, 95, 95)
_SHADE = (236, 238, 241)


def read_font(environment: Mapping[str, str]) -> Path | None:
    """Return the font that somebody chose for PDF; None for the ones that every reader has.

    :raises ConfigurationError: there is no such file.
    """
    chosen = environment.get(FONT)
    if not chosen:
        return None
    path = Path(chosen)
    if not path.is_file():
        raise ConfigurationError(f"{FONT}={chosen!r} is no file. Give the path of a .ttf or .otf")
    return path


class Paper:
    """One document, A4, written from top to bottom.

    :param made_at: aware; stands in the file instead of the moment of printing, so that the same
        content is the same file.
    :param font: of ``read_font``.
    :raises ConfigurationError: it is no font.
    """

    def __init__(self, title: str, *, made_at: datetime, font: Path | None = None) -> None:
        self._pdf = _Pages(title)
        self._pdf.set_creation_date(made_at)
        self._pdf.set_margin(_MARGIN_MM)
        self._pdf.set_auto_page_break(True, margin=_MARGIN_MM)
        self._missing: set[str] = set()
        self._known: Mapping[int, Any] | None = None
        if font is not None:
            self._use(font)
        self._pdf.add_page()
        self._write(title, size=17, is_bold=True)
        self._pdf.ln(2)
        self._pdf.set_title(self._shown(title))

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._pdf.ln(4)
        self._write(text, size=12, is_bold=True)
        self._pdf.ln(1)

    def paragraph(self, text: str) -> None:
        """Write a paragraph; line ends stay."""
        self._write(text, size=9.5)
        self._pdf.ln(1)

    def facts(self, facts: Mapping[str, object]) -> None:
        """Write one fact a line; those that are None are left out."""
        rows = [(name, value) for name, value in facts.items() if value is not None]
        self.table(("", ""), rows, widths=(30, 70), has_head=False)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        widths: Sequence[int] | None = None,
        has_head: bool = True,
    ) -> None:
        """Write a table whose head is repeated on each page; numbers stand right.

        :param widths: of the columns, relative to each other; None for equal ones.
        """
        if not rows:
            return
        aligned = [
            "RIGHT" if all(isinstance(row[at], int) for row in rows) else "LEFT"
            for at in range(len(columns))
        ]
        self._pdf.set_font(self._family, size=8.5)
        with self._pdf.table(
            borders_layout="HORIZONTAL_LINES",
            col_widths=None if widths is None else tuple(widths),
            text_align=tuple(aligned),
            line_height=_LINE_MM,
            first_row_as_headings=has_head,
            headings_style=FontFace(emphasis=None, fill_color=_SHADE),
            padding=0.8,
        ) as table:
            if has_head:
                self._row(table, columns)
            for row in rows:
                self._row(table, [_text(value) for value in row])

    def finish(self) -> bytes:
        """Return the file."""
        if self._missing:
            self._pdf.ln(3)
            self._write(
                "This PDF has no font for some characters and writes their code points instead, "
                f"such as <U+{ord(min(self._missing)):04X}>. Set {FONT} to a font that has them.",
                size=8,
                color=_GREY,
            )
        return bytes(self._pdf.output())

    @property
    def _family(self) -> str:
        return _CORE if self._known is None else _OWN

    def _use(self, font: Path) -> None:
        try:
            with font.open("rb") as stream:
                self._known = dict(TTFont(stream).getBestCmap())
            self._pdf.add_font(_OWN, fname=font)
        except (TTLibError, OSError, TypeError) as error:
            raise ConfigurationError(f"{FONT}: {font} is no font: {error}") from error
        self._pdf.family = _OWN

    def _row(self, table: Any, cells: Sequence[str]) -> None:
        row = table.row()
        for text in cells:
            row.cell(self._shown(text))

    def _write(
        self,
        text: str,
        *,
        size: float,
        is_bold: bool = False,
        color: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        # A font that was given has one weight.
        self._pdf.set_font(self._family, style="B" if is_bold and self._known is None else "")
        self._pdf.set_font_size(size)
        self._pdf.set_text_color(*color)
        self._pdf.multi_cell(
            0, size * 0.52, self._shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        self._pdf.set_text_color(0, 0, 0)

    def _shown(self, text: str) -> str:
        return "".join(map(self._character, text))

    def _character(self, character: str) -> str:
        if character == "\n" or (character.isprintable() and self._has(character)):
            return character
        self._missing.add(character)
        return f"<U+{ord(character):04X}>"

    def _has(self, character: str) -> bool:
        # The fonts of every reader have Latin-1.
        return ord(character) < 256 if self._known is None else ord(character) in self._known


class _Pages(FPDF):
    """Pages with their number below."""

    family = _CORE

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self._name = title.encode("ascii", "ignore").decode()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(self.family, size=8)
        self.set_text_color(*_GREY)
        self.cell(0, 5, f"{self._name}, page {self.page_no()}", align="R")
        self.set_text_color(0, 0, 0)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
