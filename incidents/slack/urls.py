from django.urls import re_path

from incidents.slack import views

urlpatterns = [
    re_path(r"^slack/commands/?$", views.receive, name="slack-commands"),
    re_path(r"^slack/interactions/?$", views.receive, name="slack-interactions"),
    re_path(r"^slack/events/?$", views.receive, name="slack-events"),
]
