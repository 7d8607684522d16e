"""What the writer of a post-mortem has at hand: pictures, completion, evidence, drafting, templates."""

from django.urls import path

from incidents.views import completion, drafting, evidence_drawer, pictures, templates

urlpatterns = [
    path("incidents/<int:number>/pictures/", pictures.picture_new, name="picture-new"),
    path("incidents/<int:number>/pictures/<int:picture>/", pictures.picture, name="picture"),
    path("incidents/<int:number>/complete/", completion.complete, name="complete"),
    path("incidents/<int:number>/cards/<str:ref>/", completion.card, name="card"),
    path("incidents/<int:number>/drawer/", evidence_drawer.drawer, name="evidence-drawer"),
    path("incidents/<int:number>/timeline/part/", evidence_drawer.timeline_part, name="timeline-part"),
    path("incidents/<int:number>/evidence/<int:evidence>/part/", evidence_drawer.evidence_part, name="evidence-part"),
    path("incidents/<int:number>/postmortem/additions/", drafting.postmortem_additions, name="postmortem-additions"),
    path("incidents/<int:number>/postmortem/drafted/", drafting.postmortem_drafted, name="postmortem-drafted"),
    path("incidents/<int:number>/postmortem/look-again/", drafting.postmortem_look_again, name="postmortem-look-again"),
    path("incidents/<int:number>/postmortem/template/", drafting.postmortem_template, name="postmortem-template"),
    path("settings/templates/", templates.template_list, name="template-list"),
    path("settings/templates/new/", templates.template_edit, name="template-new"),
    path("settings/templates/defaults/", templates.template_defaults, name="template-defaults"),
    path("settings/templates/<int:pk>/", templates.template_edit, name="template-edit"),
    path("settings/templates/<int:pk>/copy/", templates.template_copy, name="template-copy"),
    path("settings/templates/<int:pk>/delete/", templates.template_delete, name="template-delete"),
]
