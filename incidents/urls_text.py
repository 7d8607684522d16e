"""What the writer of a post-mortem has at hand: pictures, completion, evidence, drafting, templates."""

from django.urls import path

from incidents.views import pictures

urlpatterns = [
    path("incidents/<int:number>/pictures/", pictures.picture_new, name="picture-new"),
    path("incidents/<int:number>/pictures/<int:picture>/", pictures.picture, name="picture"),
]
