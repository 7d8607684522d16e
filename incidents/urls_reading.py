"""Addresses of review, comments, history, reading and what is told to people."""

from django.urls import path

from incidents.views import comments, external, history, notices, reviews, severities

_TEXT = "incidents/<int:number>/postmortem/"
urlpatterns = [
    path(f"{_TEXT}review/", reviews.postmortem_review, name="postmortem-review"),
    path(f"{_TEXT}withdraw/", reviews.postmortem_withdraw, name="postmortem-withdraw"),
    path(f"{_TEXT}verdict/", reviews.postmortem_verdict, name="postmortem-verdict"),
    path(f"{_TEXT}quality/", reviews.postmortem_quality, name="postmortem-quality"),
    path(f"{_TEXT}publish/", reviews.postmortem_publish, name="postmortem-publish"),
    path(f"{_TEXT}comments/", comments.postmortem_comments, name="postmortem-comments"),
    path(f"{_TEXT}comments/<int:comment>/", comments.postmortem_comment, name="postmortem-comment"),
    path(f"{_TEXT}history/", history.postmortem_history, name="postmortem-history"),
    path(f"{_TEXT}compare/", history.postmortem_compare, name="postmortem-compare"),
    path(f"{_TEXT}restore/", history.postmortem_restore, name="postmortem-restore"),
    path(f"{_TEXT}versions/<int:version>/", history.postmortem_version, name="postmortem-version"),
    path(f"{_TEXT}outside/", external.postmortem_outside, name="postmortem-outside"),
    path(f"{_TEXT}outside/<int:link>/revoke/", external.outside_revoke, name="outside-revoke"),
    path("outside/<str:token>/", external.outside, name="outside"),
    path("notices/", notices.notice_list, name="notice-list"),
    path("notices/read/", notices.notices_read, name="notices-read"),
    path("notices/<int:pk>/", notices.notice_open, name="notice-open"),
    path("settings/severities/", severities.severity_list, name="settings-severities"),
    path("settings/severities/<int:pk>/", severities.severity, name="settings-severity"),
]
