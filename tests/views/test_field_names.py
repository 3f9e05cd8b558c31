"""What a name says of the value under it, for names of everybody's making."""

from typing import Any

import pytest

from support.secret_names import HARMLESS, SECRETS
from vapi_sessions_mcp.views.masking import mask_all, mask_personal, mask_secrets

# Beside Vapi's own names: those of headers, clouds, forms, and of people who write by hand.
MORE_SECRETS = (
    *(
        "secret",
        "secrets",
        "SECRET_KEY",
        "client-secret",
        "secretIv",
        "mysecret",
        "undersecretSecret",
    ),
    *("password", "passwd", "PASSWORD", "passWord", "pass_word", "dbpassword", "passwordHash"),
    *("pwd", "PWD", "dbPwd", "userpwd", "passphrase", "passcode", "pass", "smtpPass"),
    *("jwt", "JWT", "userJwt", "bearer", "otp", "pin", "userPin", "cvv"),
    *("token", "authtoken", "X-Auth-Token", "csrf_token", "token2", "tokenValue", "api token"),
    *("passwordlessToken", "secretaryPassword", "inputToken", "refreshTokens", "device_tokens"),
    *(
        "apikey",
        "API_KEY",
        "api key",
        "api.key",
        "x-functions-key",
        "apiKeyOld",
        "apiKeys",
        "APIkey",
    ),
    *("hmacKey", "ssh_key", "masterKey", "licenseKey", "supabase_service_role_key", "key_api_key"),
    *("Authorization", "X-Forwarded-Authorization", "authorizationHeader", "Cookie", "Set-Cookie"),
    *("session_cookie", "credential", "awsCredentials", "smtp_creds", "slackWebhookUrl"),
    *("presignedUrl", "presigned_urls", "pre_signed_url", "signedUrl", "signedUploadUri"),
    *("x-amz-signature", "X-Amz-Security-Token", "X-Amz-Credential", "x-goog-signature"),
    *("\uff54\uff4f\uff4b\uff45\uff4e", "password_1"),
)
# Names, and a value that must stay under each of them.
MORE_HARMLESS: list[tuple[tuple[str, ...], Any]] = [
    (("secretary", "secretaryName", "Secretariat", "secretion", "secretive"), "Bo"),
    (("passwordless", "tokenizer", "tokenization", "monkey", "turnkey"), "yes"),
    (("tokens", "tokenCount", "maxTokens", "max_tokens", "promptTokens"), 250),
    (("maxToken", "costPerToken", "totalAccessTokens", "input-token"), 0.25),
    (("maxToken", "outputToken"), "1,024"),
    (("inputToken", "refreshTokens"), [1, 2.5, "3"]),
    (("stopTokens", "tokens"), ["\n", "END"]),
    (("passed", "pass"), 12),
    (("spin", "pinned", "opinion", "cookieFlavour", "priorAuthorization"), "x"),
    (("publicKey", "sortKey", "primaryKey", "keyboard", "keys", "cacheKey"), "x"),
    (("unsignedUrl", "designedUrl", "recordingUrl", "signed", "signedAt"), "x"),
    (("compass", "bypass", "passenger", "passport", "credentialing"), "x"),
    (("", "-", "***", "名前", "token" + "s" * 300), "x"),
]
PHONES = (
    *(
        "number",
        "Number",
        "phone",
        "phoneNumber",
        "phone_number",
        "PHONE",
        "telephone",
        "cellphone",
    ),
    *("mobile", "mobilePhone", "mobile_number", "customerphone", "twilioPhoneNumber", "tel", "fax"),
    *("callerNumber", "customer-number", "from_number", "toNumber", "callbackNumber", "msisdn"),
    *("homePhone", "phone2", "phone_no", "phones", "phone_e164", "whatsappNumber", "callerId"),
    *("contactNumber", "transfer_number", "work_phone", "phoneNumbers"),
)
NO_PHONES = (
    *(
        "numbers",
        "orderNumber",
        "roomNumber",
        "numberOfGuests",
        "microphone",
        "headphones",
        "phoneme",
    ),
    *("telly", "hotel", "from", "to", "automobile", "faxed", "phoneNumberId", "mobileApp"),
)


@pytest.mark.parametrize("name", [*sorted(SECRETS), *MORE_SECRETS])
def test_a_name_of_a_secret_is_known_however_it_is_written(name: str) -> None:
    # Each is a door to somebody's account.
    assert mask_secrets({name: "LEAK"}) == {name: "***"}
    assert mask_secrets({"name": name, "value": "LEAK"}) == {"name": name, "value": "***"}


@pytest.mark.parametrize(
    ("name", "value"),
    [*HARMLESS.items(), *((name, value) for names, value in MORE_HARMLESS for name in names)],
)
def test_a_name_that_only_sounds_like_one_says_nothing(name: str, value: Any) -> None:
    # A person's role, a limit and a number of tokens are what an agent is asked about.
    assert mask_secrets({name: value}) == {name: value}
    assert mask_secrets({"key": name, "value": value}) == {"key": name, "value": value}


@pytest.mark.parametrize("name", PHONES)
def test_a_value_under_the_name_of_a_number_is_masked_in_any_form(name: str) -> None:
    # There it need not look like one: seven digits, letters, a number, a list of them.
    for given in ("555-0123", "maya23", 5550123, 5550123.0, 14155550123):
        assert mask_personal({name: given}) == {name: "***23"}
    listed = ["5550123", 5550123, ["maya23"], 123, 1.5, None, True, ""]
    shown = ["***23", "***23", ["***23"], 123, 1.5, None, True, ""]
    assert mask_personal({name: listed}) == {name: shown}
    assert mask_personal({"key": name, "value": 5550123}) == {"key": name, "value": "***23"}


@pytest.mark.parametrize("name", NO_PHONES)
def test_another_name_does_not_make_a_phone_number(name: str) -> None:
    # A room and a hotel are no more personal than any other word.
    given = {name: ["12345", 5550123, "blue"]}
    assert mask_personal(given) is given


@pytest.mark.parametrize("name", ["phone", "token", "maxToken"])
def test_a_field_that_is_masked_already_stays(name: str) -> None:
    # Vapi may hold what somebody wrote back, and a second look must change nothing.
    given = {name: "***"}
    assert mask_all(given) is given
