"""Templates of post-mortems: written by admins, one default for each severity and kind, each change in the audit trail."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from incidents import markdown
from incidents.drafting import VARIABLES, filled
from incidents.models import PostMortem, PostMortemTemplate, Severity, TemplateDefault
from incidents.models.incident import Kind

NAME_LIMIT = 60
# Room for what is drafted into it.
TEXT_LIMIT = 50_000
_NAMED = re.compile(r"\{(\w{1,40})\}")


@transaction.atomic
def save_template(
    *, template: PostMortemTemplate | None, name: str, body: str, by: User, now: datetime
) -> PostMortemTemplate:
    """A new one where `template` is None. Post-mortems that were begun with it keep their text."""
    require_administer(by)
    name, body = " ".join(name.split()), body.replace("\r\n", "\n").replace("\r", "\n")
    if problems := _problems(template, name, body):
        raise InvalidInput(errors=problems)
    if template is not None and template.retired_at is not None:
        raise InvalidInput("name", "belongs to a template that was deleted; copy it under a new name")
    row = template or PostMortemTemplate()
    verb = "changed" if row.pk else "added"
    row.name, row.body = name, body
    row.save()
    audit.record(at=now, actor=by, verb=f"template.{verb}", target=name)
    return row


def check_template(body: str) -> str:
    """What is wrong with the text of a template as the rest of a sentence; empty where nothing is."""
    if not body.strip():
        return "is empty; write headings and {variables}"
    if len(body) > TEXT_LIMIT:
        return f"has {len(body):,} characters; expected at most {TEXT_LIMIT:,}"
    named = _NAMED.findall(body)
    known = ", ".join("{" + one + "}" for one in VARIABLES)
    if unknown := [one for one in dict.fromkeys(named) if one not in VARIABLES]:
        return (
            f"names {', '.join('{' + one + '}' for one in unknown[:5])}, which is no variable; expected some of {known}"
        )
    if twice := [one for one in VARIABLES if named.count(one) > 1]:
        return f"holds {{{twice[0]}}} more than once; expected each variable once at most"
    if body.count("<!--") != body.count("-->"):
        return "opens guidance with <!-- and does not close it; end it with -->"
    if refused := markdown.render(filled(body, dict.fromkeys(VARIABLES, ""))).refused:
        return f"cannot be rendered: {refused}"
    return ""


def copy_template(*, template: PostMortemTemplate, by: User, now: datetime) -> PostMortemTemplate:
    require_administer(by)
    base = template.name[: NAME_LIMIT - 12]
    taken = set(PostMortemTemplate.objects.filter(name__startswith=base).values_list("name", flat=True))
    names = (f"{base}, copy" if place == 1 else f"{base}, copy {place}" for place in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    return save_template(template=None, name=name, body=template.body, by=by, now=now)


@transaction.atomic
def delete_template(*, template: PostMortemTemplate, by: User, now: datetime) -> None:
    """One that post-mortems were begun with stays for them, under its name, and is offered no more."""
    require_administer(by)
    row = PostMortemTemplate.objects.select_for_update().get(pk=template.pk)
    if row.is_default:
        raise InvalidInput("template", "is the default of all; choose another default first")
    TemplateDefault.objects.filter(template=row).delete()
    if PostMortem.objects.filter(template=row).exists():
        row.retired_at = now
        row.save(update_fields=["retired_at"])
    else:
        row.delete()
    audit.record(at=now, actor=by, verb="template.deleted", target=template.name)


@transaction.atomic
def set_template_defaults(
    *,
    overall: PostMortemTemplate,
    chosen: dict[tuple[Severity, str], PostMortemTemplate | None],
    by: User,
    now: datetime,
) -> None:
    """`chosen` maps severity and kind to a template, or to None for the default of all."""
    require_administer(by)
    templates = [overall, *(one for one in chosen.values() if one is not None)]
    if any(one.retired_at for one in templates):
        raise InvalidInput("template", "was deleted meanwhile; choose one of the list")
    for kind in {kind for _, kind in chosen}:
        if kind not in Kind.values:
            raise InvalidInput("kind", f"expected one of {', '.join(Kind.values)}")
    PostMortemTemplate.objects.filter(is_default=True).exclude(pk=overall.pk).update(is_default=False)
    PostMortemTemplate.objects.filter(pk=overall.pk).update(is_default=True)
    for (severity, kind), template in chosen.items():
        if template is None:
            TemplateDefault.objects.filter(severity=severity, kind=kind).delete()
        else:
            TemplateDefault.objects.update_or_create(severity=severity, kind=kind, defaults={"template": template})
    detail = {f"{severity.name}, {kind}": one.name for (severity, kind), one in chosen.items() if one}
    audit.record(at=now, actor=by, verb="template.defaults", target=overall.name, detail=detail)


def _problems(template: PostMortemTemplate | None, name: str, body: str) -> dict[str, str]:
    problems = {}
    if not name:
        problems["name"] = "is empty; say what it is for"
    elif len(name) > NAME_LIMIT:
        problems["name"] = f"has {len(name)} characters; expected at most {NAME_LIMIT}"
    else:
        same = PostMortemTemplate.objects.filter(name__iexact=name)
        if found := (same.exclude(pk=template.pk) if template else same).first():
            problems["name"] = (
                "belonged to a template that was deleted and that post-mortems still name; choose another name"
                if found.retired_at
                else "is that of another template; choose another one"
            )
    if wrong := check_template(body):
        problems["body"] = wrong
    return problems
