"""Renders public pages: one column, no script, nothing from elsewhere, and nothing kept."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from doclife.delivery.rendering import TEMPLATES_DIR, day_in_words, language_of
from doclife.domain.organization import Organization

FOLDER = TEMPLATES_DIR / "public"


def page(
    name: str,
    *,
    status: int = 200,
    organization: Organization | None = None,
    accepted: str = "",
    **context: object,
) -> Response:
    """Return a page of ``include/templates/public/<language>/<name>.html.j2``.

    :param organization: in whose name, look and language; None where nobody knows whose it is.
    :param accepted: the browser's ``Accept-Language``, which counts where there is no organization.
    """
    language = language_of(organization.locale if organization else _preferred(accepted))
    logo = organization.logo_url if organization else None
    logo = logo if logo and logo.startswith("https://") else None
    html = (
        _templates()
        .get_template(f"{language}/{name}.html.j2")
        .render(
            context,
            day=lambda value: day_in_words(value, language),
            organization=organization.name if organization else None,
            contact=organization.fallback_recipient if organization else None,
            logo_url=logo,
            style=_style(),
        )
    )
    return Response(html, status_code=status, media_type="text/html", headers=_headers(logo))


def _headers(logo: str | None) -> dict[str, str]:
    images = f"https://{urlsplit(logo).netloc}" if logo else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_style_digest()}'; img-src {images}; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        # The address of the page is its key.
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return (Path(FOLDER) / "style.css").read_text(encoding="utf-8")


@cache
def _style_digest() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def _preferred(accepted: str) -> str:
    return accepted.split(",")[0].split(";")[0].strip() or "en"
