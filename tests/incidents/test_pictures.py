"""Pictures: what is taken, that nothing of the file but its pixels stays, who may send and see them, where they show."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw, PngImagePlugin

from incidents import pictures
from incidents.actions.picture import store_picture
from incidents.models import Incident, Picture
from incidents.pictures import WrongPicture, clean, data_uri
from incidents.rendering import inline_pictures, render_document
from tests.api.calling import Api
from tests.builders import NOW, make_incident, make_person
from tests.fixtures import signed_in

SECRET = b"N 52.5 E 13.4 taken by ada"


def image(size: tuple[int, int] = (60, 30), mode: str = "RGB") -> Image.Image:
    made = Image.new(mode, size, "white")
    ImageDraw.Draw(made).rectangle((0, 0, size[0] // 2 - 1, size[1] - 1), fill="red")
    return made


def file(kind: str = "PNG", made: Image.Image | None = None, **options: Any) -> bytes:
    out = BytesIO()
    (made or image()).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_each_kind_is_taken_by_its_content(kind: str) -> None:
    kept = clean(file(kind))
    assert (kept.width, kept.height) == (60, 30)
    assert kept.content_type == ("image/jpeg" if kind == "JPEG" else "image/png")
    red, green, _ = opened(kept.data).convert("RGB").getpixel((5, 5))
    assert red > 200
    assert green < 60


def test_an_animation_gives_its_first_frame() -> None:
    data = file("GIF", image(), save_all=True, append_images=[Image.new("RGB", (60, 30), "blue")] * 3)
    kept = opened(clean(data).data)
    assert getattr(kept, "n_frames", 1) == 1
    assert kept.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_metadata_is_gone_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET.decode()
    kept = clean(file("JPEG", exif=exif, comment=SECRET, quality=95))
    assert SECRET not in kept.data
    assert b"Exif" not in kept.data
    shown = opened(kept.data)
    assert shown.size == (30, 60)
    assert not dict(shown.getexif())
    assert shown.convert("RGB").getpixel((15, 5))[1] < 60


def test_texts_and_profiles_of_a_png_are_gone() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", SECRET.decode(), zip=True)
    notes.add_itxt("Location", SECRET.decode())
    kept = clean(file("PNG", pnginfo=notes, icc_profile=SECRET))
    assert not {key for key in opened(kept.data).info if key != "transparency"}
    assert SECRET not in kept.data


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
def test_what_is_hidden_behind_a_picture_does_not_survive(kind: str) -> None:
    hidden = b"<script>alert(1)</script>PK\x03\x04"
    kept = clean(file(kind) + hidden)
    assert b"<script" not in kept.data
    assert b"PK\x03\x04" not in kept.data


def test_clear_parts_stay_clear() -> None:
    made = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert opened(clean(file("PNG", made)).data).convert("RGBA").getpixel((5, 5))[3] == 0


def test_a_large_picture_is_made_smaller() -> None:
    kept = clean(file("PNG", Image.new("L", (4_800, 1_200))))
    assert (kept.width, kept.height) == (2_400, 600)


def test_a_photograph_sent_as_png_does_not_stay_many_megabytes() -> None:
    noise = Image.effect_noise((1_600, 1_600), 90).convert("RGB")
    kept = clean(file("PNG", noise))
    assert kept.content_type == "image/jpeg"
    assert len(kept.data) < 3 * 1024 * 1024


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b"not a picture", "is no picture that can be read; expected a picture as PNG, JPEG, GIF or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "is no picture"),
        (b"%PDF-1.4 not", "is no picture"),
        (b"GIF89a" + b"\0" * 4, "expected a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 40, "expected a picture"),
        (file("JPEG", image((600, 600)))[:400], "expected a picture"),
        (file("PNG", image((600, 600)))[:120], "is damaged or cut off"),
        (file("BMP"), "is no picture"),
        (file("TIFF"), "is no picture"),
        (bomb(7_000, 7_000), "has 7,000 × 7,000 pixels; expected at most 40 megapixels"),
        (bomb(10_000, 10_000), "megapixels"),
        (bomb(60_000, 60_000), "megapixels"),
        (b"\0" * (pictures.BYTES + 1), "MiB; expected at most 8 MiB"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_what_is_expected(data: bytes, expected: str) -> None:
    with pytest.raises(WrongPicture) as refused:
        clean(data)
    assert expected in str(refused.value)


def test_a_picture_inside_a_document_is_a_data_uri() -> None:
    assert data_uri(Picture(content_type="image/png", data=b"abc")) == "data:image/png;base64,YWJj"


def send(client: Client, incident: Incident, data: bytes | None = None, name: str = "shot.png") -> Any:
    body = {"picture": SimpleUploadedFile(name, file() if data is None else data, content_type="text/html")}
    return client.post(f"/incidents/{incident.number}/pictures/", body)


@pytest.fixture
def incident(db: None) -> Incident:
    return make_incident()


def test_a_pasted_picture_is_kept_and_served_to_those_who_see_the_incident(incident: Incident, as_ada: Client) -> None:
    answer = send(as_ada, incident, name="../../etc/<b>shot</b>.png")
    assert answer.status_code == 201
    assert answer.json()["name"] == "b>.png"
    shown = signed_in(make_person("cy")).get(answer.json()["address"])
    assert shown["Content-Type"] == "image/png"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cache-Control"].startswith("private")
    assert shown["Content-Disposition"].startswith("inline")
    assert "default-src 'none'" in shown["Content-Security-Policy"]
    assert opened(shown.content).size == (60, 30)


def test_the_same_picture_is_kept_once_for_each_incident(incident: Incident, as_ada: Client) -> None:
    other = make_incident()
    addresses = [send(as_ada, one).json()["address"] for one in (incident, incident, other)]
    assert addresses[0] == addresses[1] != addresses[2]
    assert Picture.objects.count() == 2


@pytest.mark.parametrize("body", [{}, {"picture": "text"}, {"picture": SimpleUploadedFile("a.png", b"x")}])
def test_bad_uploads_name_the_field(incident: Incident, as_ada: Client, body: dict[str, Any]) -> None:
    answer = as_ada.post(f"/incidents/{incident.number}/pictures/", body)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"picture"}
    assert not Picture.objects.exists()


def test_viewers_send_none_and_the_hidden_incident_has_none(as_cy: Client, as_ada: Client, incident: Incident) -> None:
    hidden = make_incident(visibility="restricted")
    address = send(as_ada, hidden).json()["address"]
    assert send(as_cy, incident).status_code == 403
    assert send(as_cy, hidden).status_code == 404
    assert as_cy.get(address).status_code == 404
    assert as_ada.get(address.replace(f"/{hidden.number}/", f"/{incident.number}/", 1)).status_code == 404
    assert Client().get(address).status_code == 302


def test_an_incident_keeps_a_bounded_number(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.actions.picture.PICTURES", 1)
    ada = make_person("ada")
    store_picture(incident=incident, name="a", data=file(), by=ada, now=NOW)
    answer = send(signed_in(ada), incident, file("PNG", image((20, 20))))
    assert "at most 1" in answer.json()["errors"]["picture"]


def test_the_api_takes_and_lists_pictures(incident: Incident) -> None:
    api = Api(make_person("ada"))
    path = f"/api/v1/incidents/{incident.number}/pictures/"
    made = api.client.post(path, {"picture": SimpleUploadedFile("a.png", file())})
    assert made.status_code == 201
    assert made.json()["address"] == Picture.objects.get().get_absolute_url()
    assert [row["sha256"] for row in api.client.get(path).json()["results"]] == [made.json()["sha256"]]
    refused = api.client.post(path, {"picture": SimpleUploadedFile("a.png", b"x")})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "picture")
    reader = Api(make_person("cy"))
    assert reader.client.post(path, {"picture": SimpleUploadedFile("a.png", file())}).status_code == 403


def test_a_text_shows_the_pictures_of_its_incident_alone(incident: Incident) -> None:
    ada = make_person("ada")
    other = make_incident()
    mine = store_picture(incident=incident, name="a", data=file(), by=ada, now=NOW).get_absolute_url()
    theirs = store_picture(incident=other, name="a", data=file(), by=ada, now=NOW).get_absolute_url()
    text = f'![A "graph" <b>]({mine}) ![Theirs]({theirs}) ![Far](https://evil.example/x.png)'
    shown = render_document(text, incident=incident, person=ada).html
    assert shown.count("<img") == 1
    assert f'alt="A &quot;graph&quot; &lt;b&gt;" src="{mine}"' in shown
    assert f'<a href="{theirs}"' in shown
    alone = inline_pictures(shown, incident)
    assert 'src="data:image/png;base64,' in alone
    assert f'src="{mine}"' not in alone


def test_a_picture_that_stands_in_a_text_often_is_inside_its_document_once(incident: Incident) -> None:
    ada = make_person("ada")
    mine = store_picture(incident=incident, name="a", data=file(), by=ada, now=NOW).get_absolute_url()
    shown = render_document(f'![A "graph"]({mine})\n\n' * 50, incident=incident, person=ada).html
    alone = inline_pictures(shown, incident)
    assert alone.count("data:image/png;base64,") == 1
    assert alone.count("The picture “A &quot;graph&quot;” is shown above.") == 49
    assert mine not in alone


def test_a_document_holds_pictures_up_to_a_bound(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = make_person("ada")
    one, two = (
        store_picture(incident=incident, name="a", data=file("PNG", image(s)), by=ada, now=NOW)
        for s in ((60, 30), (61, 30))
    )
    monkeypatch.setattr("incidents.rendering.INLINED", one.size)
    text = f"![First]({one.get_absolute_url()}) ![Second]({two.get_absolute_url()})"
    alone = inline_pictures(render_document(text, incident=incident, person=ada).html, incident)
    assert alone.count("data:image/png;base64,") == 1
    assert "The picture “Second” is left out" in alone


def test_an_address_that_is_text_or_says_something_else_stays_text(incident: Incident) -> None:
    ada = make_person("ada")
    mine = store_picture(incident=incident, name="a", data=file(), by=ada, now=NOW).get_absolute_url()
    text = f'''```html
<img alt="a" src="{mine}">
```

`<img src="{mine}">` src="{mine}" <img src="{mine}"> [x](https://a.example/ '<img alt=" src="{mine}" >')'''
    shown = render_document(text, incident=incident, person=ada).html
    assert inline_pictures(shown, incident) == shown
