"""Addresses of logging in and of one's own account: django-allauth's views, those we want of it."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import path, re_path
from django.views.generic import RedirectView

from crm import views_account

FACTOR = "account/second-factor/"
urlpatterns = [
    path("login/", account.login, name="login"),
    path("login/", account.login, name="account_login"),
    path("login/code/", factors.authenticate, name="mfa_authenticate"),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    path("login/password/", account.password_reset, name="account_reset_password"),
    path("login/password/sent/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        # The key has dashes of its own.
        r"^login/password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        views_account.new_password,
        name="account_reset_password_from_key",
    ),
    path(
        "login/password/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("login/sso/<slug:provider_id>/", oidc.login, name="openid_connect_login"),
    path("login/sso/<slug:provider_id>/back/", oidc.callback, name="openid_connect_callback"),
    path("login/sso-cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/sso-error/", views_account.sso_error, name="socialaccount_login_error"),
    path("logout/", views_account.log_out, name="logout"),
    path("logout/", views_account.log_out, name="account_logout"),
    path("account/", views_account.overview, name="account"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", factors.reauthenticate, name="mfa_reauthenticate"),
    path(
        "account/confirm/key/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"
    ),
    path("account/sessions/end/", views_account.end_others, name="end_other_sessions"),
    path("account/sessions/<int:pk>/end/", views_account.end_session, name="end_session"),
    path(FACTOR, factors.index, name="mfa_index"),
    path(f"{FACTOR}app/", totp.activate_totp, name="mfa_activate_totp"),
    path(f"{FACTOR}app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(f"{FACTOR}codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(f"{FACTOR}codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path(f"{FACTOR}keys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path(
        f"{FACTOR}keys/",
        RedirectView.as_view(pattern_name="mfa_index"),
        name="mfa_list_webauthn",
    ),
    path(f"{FACTOR}keys/<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
]
