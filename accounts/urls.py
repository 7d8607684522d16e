from django.urls import path

from accounts.views import door, settings

urlpatterns = [
    path("sign-in/<str:secret>/", door.sign_in_link, name="sign-in-link"),
    path("settings/people/", settings.people, name="settings-people"),
    path("settings/people/<int:pk>/", settings.person, name="settings-person"),
    path("settings/people/<int:pk>/link/", settings.person_link, name="settings-person-link"),
    path("settings/tokens/", settings.tokens, name="settings-tokens"),
    path("settings/tokens/<int:pk>/revoke/", settings.token_revoke, name="settings-token-revoke"),
    path("settings/profile/", settings.profile, name="settings-profile"),
    path("settings/audit/", settings.audit_trail, name="settings-audit"),
]
