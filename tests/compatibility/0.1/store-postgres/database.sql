CREATE SCHEMA entitle;
CREATE TABLE entitle.budget (
    account text NOT NULL,
    starts bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    paused_until bigint
);
CREATE TABLE entitle.lease (
    account text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    holder text,
    token text,
    since timestamp with time zone,
    until timestamp with time zone
)
WITH (fillfactor='50');
CREATE TABLE entitle.line (
    seq bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    account text NOT NULL,
    run text NOT NULL,
    line text NOT NULL
);
ALTER TABLE entitle.line ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME entitle.line_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE entitle.replica (
    id text NOT NULL,
    note text NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE entitle.summary (
    account text NOT NULL,
    writer text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    writing bigint NOT NULL,
    size bigint NOT NULL,
    upto bigint NOT NULL,
    upto_runs bigint NOT NULL,
    upto_unknown bigint NOT NULL,
    lines bigint NOT NULL,
    lines_runs bigint NOT NULL,
    lines_unknown bigint NOT NULL,
    damaged bigint[] NOT NULL
);
CREATE TABLE entitle.summary_line (
    account text NOT NULL,
    writing bigint NOT NULL,
    n bigint NOT NULL,
    line text NOT NULL
);
ALTER TABLE entitle.summary ALTER COLUMN writing ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME entitle.summary_writing_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE entitle.version (
    major integer NOT NULL,
    minor integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
INSERT INTO entitle.lease VALUES ('runs', 0, NULL, NULL, NULL, NULL);
INSERT INTO entitle.lease VALUES ('unknown', 0, NULL, NULL, NULL, NULL);
INSERT INTO entitle.lease VALUES ('lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', 4, NULL, NULL, '2026-12-01 04:05:37.607348+00', NULL);
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (1, '2026-12-01 04:05:37.090508+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.08892207Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"started":{"by":"jane","commit":null,"plan":"sha256:f4d2a7305d92a2266ed430dc928ebec99b21ab59d876cf38195009955fe61d88","objects":2,"sandbox":false,"paths":["/tmp/entitle-kept-store-postgres/licences"]}},"sum":"ebfebbc162ae1afd"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (2, '2026-12-01 04:05:37.093622+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.09218591Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"intent":{"address":"LacLicenseOrder/order-1","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"5CQN5-9PZMY-SOVJH-3M98E"},"method":"PATCH","path":"/license-orders/5CQN5-9PZMY-SOVJH-3M98E","changes":[{"path":"activations_allowed","verb":"replace","before":10,"after":15,"risk":"safe"}],"unread":{"customer_id":1001},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":15,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":15,"customer_id":1001,"deactivations_allowed":10,"description":"Order 1","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"epoch":1}},"sum":"31770f7153bd2f6a"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (3, '2026-12-01 04:05:37.093644+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.092379835Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"intent":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"method":"PATCH","path":"/license-orders/SMVD1-7TGR7-QVKKN-FLX35","changes":[{"path":"activations_allowed","verb":"replace","before":11,"after":16,"risk":"safe"}],"unread":{"customer_id":1001},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":25,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":16,"customer_id":1001,"deactivations_allowed":10,"description":"Order 2","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"epoch":1}},"sum":"69e65b413bb0e148"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (4, '2026-12-01 04:05:37.111133+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.105005289Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"outcome":{"address":"LacLicenseOrder/order-1","outcome":"converged","message":null,"side_effects":[]}},"sum":"e5e616c0abd942a5"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (5, '2026-12-01 04:05:37.11117+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.11004313Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"outcome":{"address":"LacLicenseOrder/order-2","outcome":"converged","message":null,"side_effects":[]}},"sum":"0a457bf803437f99"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (6, '2026-12-01 04:05:37.113023+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.112169273Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"finished":{"interrupted":false}},"sum":"9042573c4a9a33b0"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (7, '2026-12-01 04:05:37.117816+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.116902903Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"agreed":{"address":"LacLicenseOrder/order-1","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"5CQN5-9PZMY-SOVJH-3M98E"},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":15,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":15,"customer_id":1001,"deactivations_allowed":10,"description":"Order 1","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"unread":{"customer_id":1001},"spared":[],"commit":null,"sandbox":false}},"sum":"e12f149118ab458a"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (8, '2026-12-01 04:05:37.117833+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8ea4-75bc-a02c-da7e68885513', '{"at":"2026-12-01T04:05:37.116921076Z","run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","event":{"agreed":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":25,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":16,"customer_id":1001,"deactivations_allowed":10,"description":"Order 2","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"unread":{"customer_id":1001},"spared":[],"commit":null,"sandbox":false}},"sum":"b317ab11d3e0f23d"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (9, '2026-12-01 04:05:37.247006+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8f30-7679-af3e-62ecc2168555', '{"at":"2026-12-01T04:05:37.245656337Z","run":"01a22fc7-8f30-7679-af3e-62ecc2168555","event":{"started":{"by":"jane","commit":null,"plan":"sha256:521969d58478acf0fb360e8cd2375f6a6527579e0a9127aa3baffdba6ad30ba2","objects":1,"sandbox":false,"purpose":"heal","paths":["/tmp/entitle-kept-store-postgres/licences"]}},"sum":"d66ec2a57a18869d"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (10, '2026-12-01 04:05:37.25416+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8f30-7679-af3e-62ecc2168555', '{"at":"2026-12-01T04:05:37.253111454Z","run":"01a22fc7-8f30-7679-af3e-62ecc2168555","event":{"intent":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"method":"PATCH","path":"/license-orders/SMVD1-7TGR7-QVKKN-FLX35","changes":[{"path":"activations_allowed","verb":"replace","before":15,"after":16,"risk":"safe"}],"unread":{"customer_id":1001},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","expiration_date":null,"days_from_activation":90,"issued_type":"activation_time","issued_date":null,"options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":25,"maintenance_type":"fixed","maintenance_date":"2020-12-31","maintenance_days_from_activation":null,"comment":"Feature comment"}],"Hostids":[{"name":"Hostname","min_amount":1,"max_amount":1}],"activations_allowed":16,"customer_id":1001,"deactivations_allowed":10,"description":"Order 2","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"settings_description":"Settings description"},"heals":true,"epoch":2}},"sum":"dde8e8c16f81fef9"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (11, '2026-12-01 04:05:37.270296+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8f30-7679-af3e-62ecc2168555', '{"at":"2026-12-01T04:05:37.269393137Z","run":"01a22fc7-8f30-7679-af3e-62ecc2168555","event":{"outcome":{"address":"LacLicenseOrder/order-2","outcome":"converged","message":null,"side_effects":[]}},"sum":"a18f9b88a1a22630"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (12, '2026-12-01 04:05:37.273518+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8f30-7679-af3e-62ecc2168555', '{"at":"2026-12-01T04:05:37.272416674Z","run":"01a22fc7-8f30-7679-af3e-62ecc2168555","event":{"finished":{"interrupted":false}},"sum":"a565b118d9948243"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (13, '2026-12-01 04:05:37.406349+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8fe3-73e8-818b-17c3d0dc10cc', '{"at":"2026-12-01T04:05:37.404902109Z","run":"01a22fc7-8fe3-73e8-818b-17c3d0dc10cc","event":{"started":{"by":"jane","commit":null,"plan":"sha256:8cbc78f75bfa7f59858e75dcef1de6e02457ac07c9f2b65dabd555fbecbfe387","objects":1,"sandbox":false,"purpose":"undo","undoes":"01a22fc7-8f30-7679-af3e-62ecc2168555","paths":["/tmp/entitle-kept-store-postgres/licences"]}},"sum":"caff775c4e208709"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (14, '2026-12-01 04:05:37.408363+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8fe3-73e8-818b-17c3d0dc10cc', '{"at":"2026-12-01T04:05:37.40739279Z","run":"01a22fc7-8fe3-73e8-818b-17c3d0dc10cc","event":{"intent":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"method":"PATCH","path":"/license-orders/SMVD1-7TGR7-QVKKN-FLX35","changes":[{"path":"activations_allowed","verb":"replace","before":16,"after":15,"risk":"reduce"}],"unread":{"customer_id":1001},"managed":{"activations_allowed":15,"customer_id":1001},"epoch":3}},"sum":"845e60aca87a5051"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (15, '2026-12-01 04:05:37.415561+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8fe3-73e8-818b-17c3d0dc10cc', '{"at":"2026-12-01T04:05:37.414533312Z","run":"01a22fc7-8fe3-73e8-818b-17c3d0dc10cc","event":{"outcome":{"address":"LacLicenseOrder/order-2","outcome":"converged","message":null,"side_effects":[]}},"sum":"84020b03264e8e8c"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (16, '2026-12-01 04:05:37.421255+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-8fe3-73e8-818b-17c3d0dc10cc', '{"at":"2026-12-01T04:05:37.420458209Z","run":"01a22fc7-8fe3-73e8-818b-17c3d0dc10cc","event":{"finished":{"interrupted":false}},"sum":"3a24f5d194c7d05c"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (17, '2026-12-01 04:05:37.632477+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-90b4-7051-8dab-466bb6296e7a', '{"at":"2026-12-01T04:05:37.630936623Z","run":"01a22fc7-90b4-7051-8dab-466bb6296e7a","event":{"started":{"by":"jane","commit":null,"plan":"sha256:f1aec9ac14849fe934828807bbabb4814d3f8e0f92570b5197e152704761c665","objects":1,"sandbox":false,"paths":["/tmp/entitle-kept-store-postgres/licences"]}},"sum":"dccdcbd951853e18"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (18, '2026-12-01 04:05:37.634578+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-90b4-7051-8dab-466bb6296e7a', '{"at":"2026-12-01T04:05:37.633588182Z","run":"01a22fc7-90b4-7051-8dab-466bb6296e7a","event":{"intent":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"method":"PATCH","path":"/license-orders/SMVD1-7TGR7-QVKKN-FLX35","changes":[{"path":"activations_allowed","verb":"replace","before":15,"after":16,"risk":"safe"}],"unread":{"customer_id":1001},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":25,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":16,"customer_id":1001,"deactivations_allowed":10,"description":"Order 2","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"epoch":4}},"sum":"ecba8beb5af1aa8a"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (19, '2026-12-01 04:05:37.643459+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-90b4-7051-8dab-466bb6296e7a', '{"at":"2026-12-01T04:05:37.641552965Z","run":"01a22fc7-90b4-7051-8dab-466bb6296e7a","event":{"outcome":{"address":"LacLicenseOrder/order-2","outcome":"converged","message":null,"side_effects":[]}},"sum":"9100a06c7e6f7331"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (20, '2026-12-01 04:05:37.646516+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-90b4-7051-8dab-466bb6296e7a', '{"at":"2026-12-01T04:05:37.645747235Z","run":"01a22fc7-90b4-7051-8dab-466bb6296e7a","event":{"finished":{"interrupted":false}},"sum":"e9d2adf5a3e0b0d7"}');
INSERT INTO entitle.line OVERRIDING SYSTEM VALUE VALUES (21, '2026-12-01 04:05:37.653963+00', 'lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', '01a22fc7-90b4-7051-8dab-466bb6296e7a', '{"at":"2026-12-01T04:05:37.653100259Z","run":"01a22fc7-90b4-7051-8dab-466bb6296e7a","event":{"agreed":{"address":"LacLicenseOrder/order-2","vendor":"lac","connection":"lac","base_url":"http://127.0.0.1:18901/lac","account":"env SANDBOX_LAC_USERNAME","identity":{"activationKey":"SMVD1-7TGR7-QVKKN-FLX35"},"managed":{"Features":[{"name":"Licstat","version":"6.0","expiration_type":"days_from_activation","days_from_activation":90,"issued_type":"activation_time","options":"Feature options","additional_settings":"Additional settings","enabled":true,"count":25,"maintenance_type":"fixed","maintenance_date":"2020-12-31","comment":"Feature comment"}],"Hostids":[{"name":"hostname","min_amount":1,"max_amount":1}],"activations_allowed":16,"customer_id":1001,"deactivations_allowed":10,"description":"Order 2","enabled":true,"hostid_match_rate":100,"license_type":"network","licensee_type":"customer","min_hostids":1,"product_template_id":1,"removal":false,"settings_description":"Settings description"},"unread":{"customer_id":1001},"spared":[],"commit":null,"sandbox":false}},"sum":"aeb524d2782195aa"}');
INSERT INTO entitle.summary OVERRIDING SYSTEM VALUE VALUES ('lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', 'entitle 0.1.0, summary 1, 9033a2580a98b30200899e349f34d2b1be10184b184e4cd0a818baabdd8f4e68', '2026-12-01 04:05:37.503651+00', 1, 2, 16, 0, 0, 16, 0, 0, '{}');
INSERT INTO entitle.summary_line VALUES ('lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', 1, 1, '{"at":"2026-12-01T04:05:37.483755322Z","run":"","event":{"known":{"key":"6819b904002aeeaef8cf87033ed969e4","agreed":{"wanted":"ab1355b1d4f003a9a6b41b3657fb65c6","whole":"a1b2f9ad563092f2acb3e86167354d4c"},"base":{"kind":"LacLicenseOrder","packed":"BwIeAALSDwwCFAkDB09yZGVyIDEIAQEFAsgBAgMHbmV0d29yawMDCGN1c3RvbWVyBgICAQICCwEACgMUU2V0dGluZ3MgZGVzY3JpcHRpb24OBgECB0xpY3N0YXQDNi4wCgYDE0FkZGl0aW9uYWwgc2V0dGluZ3MMAw9GZWF0dXJlIGNvbW1lbnQIAh4CArQBBwEBAAMUZGF5c19mcm9tX2FjdGl2YXRpb24DAw9hY3RpdmF0aW9uX3RpbWUKAwoyMDIwLTEyLTMxCQMFZml4ZWQFAw9GZWF0dXJlIG9wdGlvbnMNBgEBCGhvc3RuYW1lAgECAgACAg==","applied":{"run":"01a22fc7-8ea4-75bc-a02c-da7e68885513","at":"2026-12-01T04:05:37.116902903Z"}}}},"sum":"87e7d04a48c18cbc"}
');
INSERT INTO entitle.summary_line VALUES ('lac http://127.0.0.1:18901/lac env SANDBOX_LAC_USERNAME', 1, 2, '{"at":"2026-12-01T04:05:37.483755322Z","run":"","event":{"known":{"key":"f05d59d78c28ebe2cf72af7bcb3c83d8","base":{"kind":"LacLicenseOrder","packed":"BwIeAALSDwwCFAkDB09yZGVyIDIIAQEFAsgBAgMHbmV0d29yawMDCGN1c3RvbWVyBgICAQICCwEACgMUU2V0dGluZ3MgZGVzY3JpcHRpb24OBgECB0xpY3N0YXQDNi4wCgYDE0FkZGl0aW9uYWwgc2V0dGluZ3MMAw9GZWF0dXJlIGNvbW1lbnQIAjICArQBBwEBAAMUZGF5c19mcm9tX2FjdGl2YXRpb24DAw9hY3RpdmF0aW9uX3RpbWUKAwoyMDIwLTEyLTMxCQMFZml4ZWQFAw9GZWF0dXJlIG9wdGlvbnMNBgEBCGhvc3RuYW1lAgECAgACAg==","applied":{"run":"01a22fc7-8fe3-73e8-818b-17c3d0dc10cc","at":"2026-12-01T04:05:37.414533312Z"}},"fights":{"healed":{"activations_allowed":["2026-12-01T04:05:37.269393137Z"]},"given_up":{}}}},"sum":"605f805be3d12164"}
');
INSERT INTO entitle.version VALUES (1, 1, '2026-12-01 04:05:37.059036+00');
SELECT pg_catalog.setval('entitle.line_seq_seq', 21, true);
SELECT pg_catalog.setval('entitle.summary_writing_seq', 1, true);
ALTER TABLE ONLY entitle.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (account);
ALTER TABLE ONLY entitle.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (account);
ALTER TABLE ONLY entitle.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY entitle.replica
    ADD CONSTRAINT replica_pkey PRIMARY KEY (id);
ALTER TABLE ONLY entitle.summary_line
    ADD CONSTRAINT summary_line_pkey PRIMARY KEY (account, writing, n);
ALTER TABLE ONLY entitle.summary
    ADD CONSTRAINT summary_pkey PRIMARY KEY (account, writer);
ALTER TABLE ONLY entitle.version
    ADD CONSTRAINT version_pkey PRIMARY KEY (major, minor);
CREATE INDEX line_account ON entitle.line USING btree (account, seq);
CREATE INDEX line_run ON entitle.line USING btree (run, seq);
