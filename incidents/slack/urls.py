from django.urls import path, re_path

from incidents.slack import pages, views

urlpatterns = [
    re_path(r"^slack/commands/?$", views.receive, name="slack-commands"),
    re_path(r"^slack/interactions/?$", views.receive, name="slack-interactions"),
    re_path(r"^slack/events/?$", views.receive, name="slack-events"),
    path("settings/slack/", pages.slack_settings, name="settings-slack"),
    path("settings/slack/save/", pages.slack_save, name="settings-slack-save"),
    path("settings/slack/check/", pages.slack_check, name="settings-slack-check"),
    path("settings/slack/test/", pages.slack_test, name="settings-slack-test"),
    path("settings/slack/test/result/", pages.slack_test_result, name="settings-slack-test-result"),
    path("settings/slack/example/", pages.slack_example, name="settings-slack-example"),
    path("settings/slack/people/<int:pk>/", pages.slack_person, name="settings-slack-person"),
    path("settings/slack/requests/<int:pk>/retry/", pages.slack_request_retry, name="settings-slack-request"),
    path("settings/slack/deliveries/<int:pk>/retry/", pages.slack_delivery_retry, name="settings-slack-delivery"),
]
