"""Settings, Templates: what a post-mortem begins with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_administer
from accounts.problems import InvalidInput
from incidents.actions.template import (
    NAME_LIMIT,
    TEXT_LIMIT,
    check_template,
    copy_template,
    delete_template,
    save_template,
    set_template_defaults,
)
from incidents.drafting import VARIABLES, fill
from incidents.forms import add_problem
from incidents.models import Incident, PostMortem, PostMortemTemplate, Severity, TemplateDefault
from incidents.models.incident import Kind
from incidents.rendering import render_document
from incidents.views.access import deed, permitted, person

PREVIEWED = 30


class TemplateForm(forms.Form):
    name = forms.CharField(required=False, help_text=f"At most {NAME_LIMIT} characters.")
    body = forms.CharField(
        required=False,
        strip=False,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 28, "class": "mono", "maxlength": TEXT_LIMIT, "spellcheck": "true"}),
        help_text="Markdown. Guidance between <!-- and --> is for writers; readers never see it.",
    )
    incident = forms.ModelChoiceField(
        Incident.objects.none(), required=False, empty_label="Choose an incident", label="Preview with"
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = Incident.objects.visible_to(person(request)).order_by("-number")
        recent = seen.filter(pk__in=list(seen.values_list("pk", flat=True)[:PREVIEWED]))
        self.fields["incident"].queryset = recent  # type: ignore[attr-defined]


def _admin(request: HttpRequest) -> None:
    if not can_administer(request.user):
        raise PermissionDenied("This needs the role admin. An admin can grant it under Settings, People.")


def _offered(pk: int) -> PostMortemTemplate:
    return get_object_or_404(PostMortemTemplate, pk=pk, retired_at=None)


@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    _admin(request)
    templates = list(PostMortemTemplate.objects.filter(retired_at=None))
    defaults = {(one.severity_id, one.kind): one.template_id for one in TemplateDefault.objects.all()}
    severities = [
        {"row": severity, "kinds": [(kind, label, defaults.get((severity.pk, kind))) for kind, label in Kind.choices]}
        for severity in Severity.objects.all()
    ]
    used = set(PostMortem.objects.filter(template__in=templates).values_list("template", flat=True).distinct())
    context = {"templates": templates, "severities": severities, "kinds": Kind.choices, "used": used}
    return render(request, "incidents/template_list.html", context)


@require_http_methods(["GET", "POST"])
def template_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Writing one, with a preview filled from a chosen incident; a refused or previewed form comes back filled."""
    _admin(request)
    row = _offered(pk) if pk is not None else None
    initial = {"name": row.name, "body": row.body} if row else {"body": "## Summary\n\n{summary}\n"}
    form = TemplateForm(request.POST or None, request=request, initial=initial)
    preview, status = None, 200
    if request.method == "POST" and form.is_valid():
        name, body = form.cleaned_data["name"], form.cleaned_data["body"]
        if "preview" in request.POST:
            preview = _preview(request, form)
        else:
            try:
                saved = save_template(template=row, name=name, body=body, by=person(request), now=timezone.now())
            except InvalidInput as problem:
                add_problem(form, problem)
            else:
                messages.success(request, f"The template {saved.name} was saved.")
                return redirect("template-list")
    if form.is_bound and form.errors:
        status = 422
    context = {"form": form, "template": row, "variables": VARIABLES.items(), "preview": preview}
    return render(request, "incidents/template_form.html", context, status=status)


def _preview(request: HttpRequest, form: TemplateForm) -> Any:
    incident, body = form.cleaned_data["incident"], form.cleaned_data["body"].replace("\r\n", "\n")
    if wrong := check_template(body):
        form.add_error("body", wrong[:1].upper() + wrong[1:])
        return None
    if incident is None:
        form.add_error("incident", "Choose the incident whose evidence fills the preview.")
        return None
    return render_document(fill(body, incident), incident=incident, person=person(request))


@require_POST
@permitted
def template_copy(request: HttpRequest, pk: int) -> HttpResponse:
    _admin(request)
    copied = copy_template(template=_offered(pk), by=person(request), now=timezone.now())
    return redirect("template-edit", copied.pk)


@require_POST
@permitted
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    _admin(request)
    row = _offered(pk)
    return deed(
        request,
        lambda: delete_template(template=row, by=person(request), now=timezone.now()),
        done=f"The template {row.name} was deleted.",
        to="template-list",
    )


@require_POST
@permitted
def template_defaults(request: HttpRequest) -> HttpResponse:
    """`overall`, and `default-SEVERITY-KIND` for each; empty means the default of all."""
    _admin(request)
    templates = {str(one.pk): one for one in PostMortemTemplate.objects.filter(retired_at=None)}

    def act() -> None:
        overall = templates.get(request.POST.get("overall", ""))
        if overall is None:
            raise InvalidInput("overall", "choose the template that all others begin with")
        chosen = {}
        for severity in Severity.objects.all():
            for kind in Kind.values:
                wanted = request.POST.get(f"default-{severity.pk}-{kind}", "")
                if wanted and wanted not in templates:
                    raise InvalidInput(f"{severity.name}, {kind}", "choose one of the templates of the list")
                chosen[severity, kind] = templates.get(wanted)
        set_template_defaults(overall=overall, chosen=chosen, by=person(request), now=timezone.now())

    return deed(request, act, done="The defaults were saved.", to="template-list")
