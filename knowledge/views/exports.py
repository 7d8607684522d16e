"""Files: asking for one, watching it being made, fetching it, and the list of one's own."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.problems import InvalidInput
from incidents.listing import page_of
from incidents.views.access import permitted, person, said
from knowledge.actions.export import delete_export, request_export
from knowledge.exports.formats import FORMATS
from knowledge.exports.keeping import exports_of, outdated
from knowledge.exports.problems import ExportProblem
from knowledge.exports.subjects import prepare
from knowledge.exports.writing import write
from knowledge.models import Export


@require_GET
def export_list(request: HttpRequest) -> HttpResponse:
    rows = exports_of(person(request))
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(title__icontains=word)
    return render(request, "knowledge/export_list.html", {"page": page_of(request, rows, key="id"), "q": wanted})


@require_POST
@permitted
def export_new(request: HttpRequest, subject: str, ref: int, form: str) -> HttpResponse:
    """A slow format goes to a worker and its page is shown; a quick one is answered with the file."""
    me = person(request)
    known = FORMATS.get(subject, {}).get(form)
    if known is None:
        raise Http404
    query = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    if not known.is_slow:
        return export_now(request, subject, ref, form, query)
    try:
        export = request_export(subject=subject, ref=ref, format=form, by=me, now=timezone.now(), query=query)
    except InvalidInput as problem:
        if "ref" in problem.errors:
            raise Http404 from problem
        messages.error(request, f"Not done. {said(problem)}")
        return redirect("export-list")
    return redirect(export)


def export_now(
    request: HttpRequest, subject: str, ref: int, form: str, query: dict[str, str] | None = None
) -> HttpResponse:
    """The file itself, without a worker."""
    known = FORMATS[subject][form]
    try:
        prepared = prepare(subject, ref, query or {}, person(request))
    except ExportProblem as problem:
        raise Http404 from problem
    try:
        content = write(prepared, subject, form)
    except ExportProblem as problem:
        messages.error(request, str(problem))
        return redirect(prepared.document.address)
    return as_file(content, f"{prepared.stem}.{known.extension}", known.content_type)


def as_file(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Only ever downloaded: what it holds is never run or shown here."""
    answer = HttpResponse(content, content_type=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(exports_of(person(request)), pk=pk)
    if row.state == Export.State.DONE and (reason := outdated(row, person(request))):
        row.state, row.reason = Export.State.FAILED, reason
    known = FORMATS.get(row.subject, {}).get(row.format)
    context = {"export": row, "label": known.label if known else row.format}
    template = "knowledge/_export_state.html" if request.headers.get("HX-Request") else "knowledge/export.html"
    return render(request, template, context)


@require_GET
def export_file(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(exports_of(person(request)), pk=pk, state=Export.State.DONE)
    if reason := outdated(row, person(request)):
        messages.error(request, reason)
        return redirect(row)
    if row.data is None:
        raise Http404
    return as_file(bytes(row.data), row.file_name, row.content_type)


@require_POST
@permitted
def export_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(exports_of(person(request)), pk=pk)
    delete_export(export=row, by=person(request))
    messages.success(request, f"The file of {row.title} is deleted. What it was made of stays.")
    return redirect("export-list")
