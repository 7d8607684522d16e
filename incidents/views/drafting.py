"""What Debrief can add to a text that people write, another template while nobody has, and looking for more."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.collection import collect_again
from incidents.actions.draft import add_drafted, choose_template
from incidents.drafting.parts import LABELS, Proposal
from incidents.drafting.proposing import additions
from incidents.models import PostMortem, PostMortemTemplate
from incidents.views.access import deed, permitted, person, said, visible_incident, visible_postmortem


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_additions(request: HttpRequest, number: int) -> HttpResponse:
    """The lines that Debrief can add, each with a tick; POST `line` for each that is wanted."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    part = bool(request.headers.get("HX-Request"))
    context: dict[str, Any] = {"part": part}
    status = 200
    if request.method == "POST":
        try:
            wanted = _wanted(additions(row), request.POST.getlist("line"))
            count = add_drafted(postmortem=row, wanted=wanted, by=person(request), now=timezone.now())
        except InvalidInput as problem:
            context["error"], status = said(problem), 422
        else:
            told = f"{count} {'line was' if count == 1 else 'lines were'} added to the text."
            if not part:
                messages.success(request, told)
                return redirect("postmortem-edit", number)
            context["done"] = told
        row = visible_postmortem(request, number)
    context |= _context(row)
    name = "_additions" if part else "additions"
    # htmx swaps in what came with 200 alone; the sentence says what was refused.
    return render(request, f"incidents/{name}.html", context, status=200 if part else status)


@require_GET
@permitted
def postmortem_drafted(request: HttpRequest, number: int) -> HttpResponse:
    """The texts that Debrief drafted, for the editor to mark those that stand untouched."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    parts = [{"label": LABELS.get(name, name), "text": text} for name, text in row.drafted.items()]
    return JsonResponse({"parts": parts}, headers={"Cache-Control": "no-store"})


def _context(row: PostMortem) -> dict[str, Any]:
    offered = additions(row)
    return {
        "postmortem": row,
        "incident": row.incident,
        "additions": [
            {"label": one.label, "lines": [(_key(one.variable, line), _readable(line)) for line in one.lines]}
            for one in offered
        ],
        "addition_count": sum(len(one.lines) for one in offered),
        "templates": list(PostMortemTemplate.objects.filter(retired_at=None)) if row.is_untouched else [],
        "collecting": row.incident.collections.filter(finished_at=None).exists(),
    }


def _wanted(offered: list[Proposal], keys: list[str]) -> dict[str, list[str]]:
    chosen = set(keys)
    return {one.variable: [line for line in one.lines if _key(one.variable, line) in chosen] for one in offered}


def _key(variable: str, line: str) -> str:
    return f"{variable}:{hashlib.sha256(line.encode()).hexdigest()[:16]}"


def _readable(line: str) -> str:
    """A drafted line without the signs of Markdown."""
    text = re.sub(r"!\[\[(E-\d+)[^\]]*\]\]", r"the chart \1", line.strip("| "))
    text = re.sub(r"\[\[([A-Z]+-\d+)[^\]]*\]\]", r"\1", text).replace(" | ", "  ")
    text = re.sub(r"\\([\\`*_{}\[\]#|!])", r"\1", text)
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#126;", "~"), ("&#47;", "/"), ("&amp;", "&")):
        text = text.replace(name, sign)
    return text.lstrip("#- ").replace("`", "")


@require_POST
@permitted
def postmortem_look_again(request: HttpRequest, number: int) -> HttpResponse:
    """Ask every source once more; what is found is drafted or proposed."""
    incident = visible_incident(request, number)
    return deed(
        request,
        lambda: collect_again(incident=incident, by=person(request), now=timezone.now()),
        done="Every source is asked once more. What is new is offered here.",
        to=reverse("postmortem-edit", args=[number]),
    )


@require_POST
@permitted
def postmortem_template(request: HttpRequest, number: int) -> HttpResponse:
    """Another template while the draft is untouched."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    wanted = request.POST.get("template", "")
    known = PostMortemTemplate.objects.filter(retired_at=None)
    template = get_object_or_404(
        known, pk=int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 0
    )
    return deed(
        request,
        lambda: choose_template(postmortem=row, template=template, by=person(request), now=timezone.now()),
        done=f"The text was drafted anew from the template {template.name}.",
        to=reverse("postmortem-edit", args=[number]),
    )
