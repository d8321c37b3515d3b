//! Settings, and the pages that show what mail and jobs do. Each page shows itself only to agents who may change what
//! is on it; `desk` decides again when they do.

mod agent;
mod appearance;
mod audit;
mod auto_allocation;
mod blocked_sender;
mod canned_message;
mod custom_field;
mod department;
mod dkim_key;
mod email_account;
mod field;
mod identity_provider;
mod inbound_mail;
mod index;
mod integration_account;
mod job;
mod notification;
mod oauth_client;
mod outgoing_mail;
mod password_policy;
mod profile;
mod rehearsal;
mod role;
mod routing;
mod rule_form;
mod security;
mod sender_check;
mod site;
mod sla_policy;
mod tag;
mod trigger;
mod webhook;
mod working_time;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::ServiceConfig;
use askama::Template;

pub use field::{Fields, Sent};

use super::Layout;
use super::palette::Place;
use crate::app::App;
use crate::desk::{Actor, Permission};
use crate::error::{Error, Result};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn};

pub fn routes(config: &mut ServiceConfig) {
    config.service(index::show).service(job::show).service(job::run);
    config.service(tag::show).service(tag::create).service(tag::rename).service(tag::delete);
    config
        .service(custom_field::list)
        .service(custom_field::fresh)
        .service(custom_field::create)
        .service(custom_field::show)
        .service(custom_field::save)
        .service(custom_field::delete);
    config.service(site::show).service(site::save);
    config.service(appearance::show).service(appearance::save);
    config
        .service(sla_policy::list)
        .service(sla_policy::save_pauses)
        .service(sla_policy::fresh)
        .service(sla_policy::create)
        .service(sla_policy::show)
        .service(sla_policy::save)
        .service(sla_policy::press);
    config.service(auto_allocation::show).service(auto_allocation::save);
    config
        .service(routing::list)
        .service(routing::save_setting)
        .service(routing::fresh)
        .service(routing::create)
        .service(routing::show)
        .service(routing::save)
        .service(routing::up)
        .service(routing::down)
        .service(routing::copy)
        .service(routing::delete);
    config
        .service(trigger::list)
        .service(trigger::fresh)
        .service(trigger::create)
        .service(trigger::show)
        .service(trigger::save)
        .service(trigger::up)
        .service(trigger::down)
        .service(trigger::enable)
        .service(trigger::delete);
    config
        .service(rehearsal::list)
        .service(rehearsal::show)
        .service(rehearsal::csv)
        .service(rehearsal::delete);
    config
        .service(working_time::show)
        .service(working_time::save)
        .service(working_time::add_holiday)
        .service(working_time::import)
        .service(working_time::delete_holiday);
    config
        .service(profile::show)
        .service(profile::save)
        .service(profile::save_console)
        .service(profile::rotate_key);
    config
        .service(identity_provider::show)
        .service(identity_provider::save)
        .service(identity_provider::delete);
    config.service(notification::show).service(notification::save);
    config
        .service(security::show)
        .service(security::change_password)
        .service(security::begin)
        .service(security::cancel)
        .service(security::confirm)
        .service(security::renew_codes)
        .service(security::turn_off)
        .service(security::end_other_sessions)
        .service(security::end_session)
        .service(security::withdraw);
    config.service(audit::list).service(password_policy::show).service(password_policy::save);
    config
        .service(role::list)
        .service(role::fresh)
        .service(role::create)
        .service(role::show)
        .service(role::save)
        .service(role::delete);
    config
        .service(oauth_client::list)
        .service(oauth_client::fresh)
        .service(oauth_client::create)
        .service(oauth_client::show)
        .service(oauth_client::save)
        .service(oauth_client::rotate_secret)
        .service(oauth_client::delete);
    config
        .service(department::list)
        .service(department::fresh)
        .service(department::create)
        .service(department::show)
        .service(department::save)
        .service(department::delete);
    config
        .service(agent::list)
        .service(agent::fresh)
        .service(agent::create)
        .service(agent::show)
        .service(agent::save)
        .service(agent::set_password)
        .service(agent::rotate_key)
        .service(agent::unlock)
        .service(agent::reset_second_factor)
        .service(agent::delete);
    config
        .service(email_account::list)
        .service(email_account::fresh)
        .service(email_account::create)
        .service(email_account::authorise::end)
        .service(email_account::authorise::begin)
        .service(email_account::show)
        .service(email_account::save)
        .service(email_account::test)
        .service(email_account::check_now)
        .service(email_account::make_default)
        .service(email_account::enable)
        .service(email_account::disable)
        .service(email_account::delete);
    config
        .service(dkim_key::show)
        .service(dkim_key::generate)
        .service(dkim_key::import)
        .service(dkim_key::save_reports)
        .service(dkim_key::start)
        .service(dkim_key::stop)
        .service(dkim_key::check)
        .service(dkim_key::delete);
    config.service(sender_check::show).service(sender_check::save);
    config.service(blocked_sender::list).service(blocked_sender::put).service(blocked_sender::delete);
    config
        .service(canned_message::list)
        .service(canned_message::fresh)
        .service(canned_message::create)
        .service(canned_message::show)
        .service(canned_message::save)
        .service(canned_message::delete)
        .service(canned_message::create_category)
        .service(canned_message::rename_category)
        .service(canned_message::delete_category);
    config
        .service(integration_account::list)
        .service(integration_account::fresh)
        .service(integration_account::create)
        .service(integration_account::show)
        .service(integration_account::save)
        .service(integration_account::delete);
    config
        .service(webhook::list)
        .service(webhook::fresh)
        .service(webhook::create)
        .service(webhook::show)
        .service(webhook::save)
        .service(webhook::rotate_secret)
        .service(webhook::test)
        .service(webhook::replay)
        .service(webhook::delete);
    config.service(inbound_mail::list).service(inbound_mail::raw).service(inbound_mail::retry);
    config
        .service(outgoing_mail::list)
        .service(outgoing_mail::show)
        .service(outgoing_mail::body)
        .service(outgoing_mail::retry);
}

/// A page of the settings, as their navigation shows it. `about` is one sentence that explains its subject.
struct Section {
    href: &'static str,
    name: &'static str,
    icon: &'static str,
    about: &'static str,
    permission: Permission,
}

/// Sections that belong together. One without sections that the agent may open is not shown.
struct Group {
    name: &'static str,
    sections: &'static [Section],
}

const GROUPS: &[Group] = &[
    Group {
        name: "You",
        sections: &[
            Section {
                href: "/console/settings/profile",
                name: "Profile",
                icon: "circle-user",
                about: "Your name, time zone, how the console behaves, and API key.",
                permission: Permission::ManageMyProfile,
            },
            Section {
                href: "/console/settings/notifications",
                name: "Notifications",
                icon: "bell",
                about: "What you are told in the console, by the browser and by mail.",
                permission: Permission::ManageMyProfile,
            },
            Section {
                href: "/console/settings/security",
                name: "Security",
                icon: "lock",
                about: "Your password, two-step sign-in, and where you are signed in.",
                permission: Permission::ManageMyProfile,
            },
        ],
    },
    Group {
        name: "Company",
        sections: &[
            Section {
                href: "/console/settings/site",
                name: "Site",
                icon: "house",
                about: "The name customers see, and the time zone.",
                permission: Permission::ManageSiteProfile,
            },
            Section {
                href: "/console/settings/appearance",
                name: "Appearance",
                icon: "palette",
                about: "Name, logo and colour of the portal.",
                permission: Permission::ManageSiteProfile,
            },
            Section {
                href: "/console/settings/working-time",
                name: "Working time",
                icon: "clock",
                about: "When the desk is open, and holidays.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/agents",
                name: "Agents",
                icon: "users",
                about: "Who answers, who administers.",
                permission: Permission::ManageAgents,
            },
            Section {
                href: "/console/settings/roles",
                name: "Roles",
                icon: "shield-check",
                about: "What several agents may do together.",
                permission: Permission::ManageAgents,
            },
            Section {
                href: "/console/settings/departments",
                name: "Departments",
                icon: "building-2",
                about: "Groups of agents that conversations are given to.",
                permission: Permission::ManageDepartments,
            },
        ],
    },
    Group {
        name: "Channels",
        sections: &[
            Section {
                href: "/console/settings/email-accounts",
                name: "E-mail accounts",
                icon: "mailbox",
                about: "Where mail comes from and leaves.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/sender-checks",
                name: "Sender checks",
                icon: "shield-check",
                about: "How it is known whether a mail is from whom it says.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/blocked-senders",
                name: "Blocked senders",
                icon: "ban",
                about: "Whose new mail is junk or dropped.",
                permission: Permission::ManageBlockedSenders,
            },
            Section {
                href: "/console/junk",
                name: "Junk",
                icon: "archive",
                about: "What blocked senders wrote, to read, restore or delete.",
                permission: Permission::ManageJunk,
            },
        ],
    },
    Group {
        name: "Conversations",
        sections: &[
            Section {
                href: "/console/settings/fields",
                name: "Fields",
                icon: "pencil",
                about: "What conversations have beside the usual, such as an order number.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/tags",
                name: "Tags",
                icon: "tag",
                about: "Words to find and count conversations by.",
                permission: Permission::ManageTags,
            },
            Section {
                href: "/console/settings/canned-messages",
                name: "Canned messages",
                icon: "message-square",
                about: "Texts to insert instead of typing them.",
                permission: Permission::ManagePrivateCannedMessages,
            },
        ],
    },
    Group {
        name: "Automation",
        sections: &[
            Section {
                href: "/console/settings/routing",
                name: "Routing",
                icon: "route",
                about: "Where new conversations go.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/auto-allocation",
                name: "Auto allocation",
                icon: "user-plus",
                about: "Which agent gets what nobody was assigned.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/triggers",
                name: "Triggers",
                icon: "zap",
                about: "What happens by itself when something happens.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/sla-policies",
                name: "Service levels",
                icon: "timer",
                about: "How fast conversations must be answered and closed.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/rehearsals",
                name: "Rehearsals",
                icon: "flask-conical",
                about: "What draft rules would have done with past conversations.",
                permission: Permission::ManageSettings,
            },
        ],
    },
    Group {
        name: "Integration",
        sections: &[
            Section {
                href: "/console/settings/webhooks",
                name: "Webhooks",
                icon: "plug",
                about: "URLs of other programs that are told what happens.",
                permission: Permission::ManageIntegration,
            },
            Section {
                href: "/console/settings/integration-accounts",
                name: "Integration accounts",
                icon: "plug",
                about: "Accounts on other platforms that channel apps have connected.",
                permission: Permission::ManageIntegration,
            },
        ],
    },
    Group {
        name: "Security",
        sections: &[
            Section {
                href: "/console/settings/password-policy",
                name: "Password policy",
                icon: "lock",
                about: "What passwords must be like, and when wrong ones lock an agent.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/identity-provider",
                name: "Identity provider",
                icon: "id-card",
                about: "Signing in with the account that agents have at your company.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/oauth-clients",
                name: "OAuth clients",
                icon: "plug",
                about: "Programs that agents may let act for them.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/audit-log",
                name: "Audit log",
                icon: "scroll-text",
                about: "Who changed what in the settings, and who signed in.",
                permission: Permission::ViewAuditLog,
            },
        ],
    },
    Group {
        name: "Operation",
        sections: &[
            Section {
                href: "/console/settings/inbound-mails",
                name: "Incoming mail",
                icon: "mail-open",
                about: "Every mail a server offered us, and what became of it.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/outgoing-mails",
                name: "Outgoing mail",
                icon: "send",
                about: "What left, what waits, what failed and why.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/jobs",
                name: "Jobs",
                icon: "activity",
                about: "What runs by itself, when, and how it went.",
                permission: Permission::ManageChannels,
            },
        ],
    },
];

/// The sections an agent may open, in their groups.
struct Nav {
    here: &'static str,
    groups: Vec<(&'static str, Vec<&'static Section>)>,
}

impl Nav {
    fn new(by: &Actor, here: &'static str) -> Self {
        let open = |group: &'static Group| {
            let sections: Vec<_> =
                group.sections.iter().filter(|section| by.require(section.permission).is_ok()).collect();
            (!sections.is_empty()).then_some((group.name, sections))
        };
        Self { here, groups: GROUPS.iter().filter_map(open).collect() }
    }
}

/// The frame of the settings page `here`; `Forbidden` to an agent who may not open it.
fn frame(app: &App, signed_in: &SignedIn, here: &'static str) -> Result<(Layout, Nav)> {
    let mut sections = GROUPS.iter().flat_map(|group| group.sections);
    if let Some(section) = sections.find(|section| section.href == here) {
        signed_in.actor.require(section.permission)?;
    }
    let layout = app.read(|s| Layout::new(s, signed_in, "settings"))?;
    Ok((layout, Nav::new(&signed_in.actor, here)))
}

/// The pages that the agent may open, for finding one by its name.
pub fn places(by: &Actor) -> impl Iterator<Item = Place> {
    let sections = GROUPS.iter().flat_map(|group| group.sections);
    let open = sections.filter(move |section| by.require(section.permission).is_ok());
    open.map(|section| Place {
        href: section.href.to_owned(),
        icon: section.icon,
        name: section.name.to_owned(),
        detail: section.about.to_owned(),
    })
}

/// What a form leads to: saved, to `here`; refused, to `again`, the form as it was sent. A clash is told beside `field`.
fn saved<T, P: Template>(
    result: Result<T>,
    here: &str,
    field: &str,
    again: impl FnOnce(Mistakes) -> Result<P>,
) -> Result<HttpResponse, PageError> {
    match result {
        Ok(_) => Ok(see_other(here)),
        Err(error) => {
            let page = again(Mistakes::of(beside(field, error))?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// A clash is told beside the field it is about.
fn beside(field: &str, error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::invalid(field, message),
        other => other,
    }
}
