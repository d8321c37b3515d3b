//! The languages of the portal and of the mail it sends. Each language is a file with the same words; a sentence with
//! `{site}` and the like is completed by `fill`.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod zh;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    En,
    De,
    Fr,
    Es,
    Zh,
    Ar,
}

/// Everything the portal says.
pub struct Words {
    pub skip: &'static str,
    pub language: &'static str,
    pub change: &'static str,
    pub my_requests: &'static str,
    pub new_request: &'static str,
    pub sign_in: &'static str,
    pub sign_out: &'static str,
    pub welcome: &'static str,
    pub welcome_text: &'static str,
    pub link_text: &'static str,
    pub email: &'static str,
    pub send_link: &'static str,
    pub no_address: &'static str,
    pub link_gone: &'static str,
    pub check_mail: &'static str,
    pub check_mail_text: &'static str,
    pub check_spam: &'static str,
    pub other_address: &'static str,
    pub welcome_back: &'static str,
    pub one_click: &'static str,
    pub no_requests: &'static str,
    pub no_requests_text: &'static str,
    pub unread: &'static str,
    /// Before what an agent wrote.
    pub we: &'static str,
    /// Before what the contact wrote.
    pub you_said: &'static str,
    pub you: &'static str,
    pub waiting_for_us: &'static str,
    pub waiting_for_you: &'static str,
    pub closed: &'static str,
    pub mark_unread: &'static str,
    pub mark_read: &'static str,
    pub close_request: &'static str,
    /// Before a date.
    pub opened: &'static str,
    pub no_text: &'static str,
    pub not_available: &'static str,
    pub is_closed: &'static str,
    pub reopen: &'static str,
    pub your_answer: &'static str,
    pub reopens: &'static str,
    pub send: &'static str,
    pub files: &'static str,
    pub files_again: &'static str,
    pub subject: &'static str,
    pub message: &'static str,
    pub message_hint: &'static str,
    pub send_request: &'static str,
    pub fill_in: &'static str,
    pub too_long: &'static str,
    pub number: &'static str,
    pub date: &'static str,
    pub web_address: &'static str,
    /// Any other problem of a field.
    pub wrong: &'static str,
    pub too_large: &'static str,
    pub too_fast: &'static str,
    /// {site} is the name of the site.
    pub mail_link_subject: &'static str,
    pub mail_link_title: &'static str,
    pub mail_link_text: &'static str,
    pub mail_open: &'static str,
    pub mail_not_you: &'static str,
    pub mail_answer_subject: &'static str,
    pub mail_answer_title: &'static str,
    /// {name} is the contact.
    pub mail_hello: &'static str,
    /// {subject} is the conversation’s.
    pub mail_answer_text: &'static str,
    pub mail_read: &'static str,
    pub account: &'static str,
    pub by_password: &'static str,
    pub by_link: &'static str,
    pub password: &'static str,
    /// Leads from the password to the link.
    pub no_password: &'static str,
    pub wrong_password: &'static str,
    pub password_text: &'static str,
    pub password_is_set: &'static str,
    pub current_password: &'static str,
    pub new_password: &'static str,
    pub forgot_current: &'static str,
    /// {count} is a number.
    pub at_least: &'static str,
    pub too_short: &'static str,
    pub too_simple: &'static str,
    pub too_easy: &'static str,
    pub not_password: &'static str,
    pub set_password: &'static str,
    pub change_password: &'static str,
    pub remove_password: &'static str,
    pub ends_sessions: &'static str,
    pub password_was_set: &'static str,
    pub password_was_removed: &'static str,
    /// {site} is the name of the site.
    pub mail_password_subject: &'static str,
    pub mail_password_set: &'static str,
    pub mail_password_gone: &'static str,
    pub mail_password_not_you: &'static str,
}

impl Language {
    pub const ALL: [Self; 6] = [Self::En, Self::De, Self::Fr, Self::Es, Self::Zh, Self::Ar];

    /// As `lang` attributes and `Accept-Language` write it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Zh => "zh",
            Self::Ar => "ar",
        }
    }

    /// What its speakers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Fr => "Français",
            Self::Es => "Español",
            Self::Zh => "中文",
            Self::Ar => "العربية",
        }
    }

    /// Days without a month's name, as `strftime` reads them; `None` where English words serve.
    pub fn date(self) -> Option<&'static str> {
        match self {
            Self::En => None,
            Self::De => Some("%-d.%-m.%Y"),
            Self::Fr | Self::Es => Some("%d/%m/%Y"),
            Self::Zh => Some("%Y年%-m月%-d日"),
            Self::Ar => Some("%Y/%m/%d"),
        }
    }

    pub fn direction(self) -> &'static str {
        if self == Self::Ar { "rtl" } else { "ltr" }
    }

    pub fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::De => &de::WORDS,
            Self::Fr => &fr::WORDS,
            Self::Es => &es::WORDS,
            Self::Zh => &zh::WORDS,
            Self::Ar => &ar::WORDS,
        }
    }

    /// By its tag; region and script do not matter.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The one of ours that an `Accept-Language` header likes best; English when it names none.
    pub fn of_header(header: &str) -> Self {
        let quality = |part: &str| {
            let weight =
                part.split(';').skip(1).find_map(|one| one.trim().strip_prefix("q=")?.parse::<f32>().ok());
            weight.unwrap_or(1.0)
        };
        let mut best: Option<(Self, f32)> = None;
        for part in header.split(',').take(32) {
            let known = Self::parse(part.split(';').next().unwrap_or_default());
            if let Some(language) = known
                && 0.0 < quality(part)
                && best.is_none_or(|(_, weight)| weight < quality(part))
            {
                best = Some((language, quality(part)));
            }
        }
        best.map(|(language, _)| language).unwrap_or_default()
    }
}

/// Puts values in the place of their names in braces.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_liked_best_is_found() {
        assert_eq!(Language::of_header("de-AT,de;q=0.9,en;q=0.8"), Language::De);
        assert_eq!(Language::of_header("pt-BR, en;q=0.3, ar;q=0.7"), Language::Ar);
        assert_eq!(Language::of_header("zh-Hans-CN"), Language::Zh);
        assert_eq!(Language::of_header("de;q=0, *"), Language::En);
        assert_eq!(Language::of_header(""), Language::En);
    }

    #[test]
    fn a_value_is_never_read_as_a_name() {
        assert_eq!(
            fill("Hello {name}, {site}", &[("name", "{site}"), ("site", "Desk")]),
            "Hello {site}, Desk"
        );
    }

    #[test]
    fn every_language_fills_the_same_names() {
        for language in Language::ALL {
            let words = language.words();
            assert!(words.mail_link_subject.contains("{site}"), "{language:?}");
            assert!(words.mail_answer_text.contains("{subject}"), "{language:?}");
            assert!(words.mail_hello.contains("{name}"), "{language:?}");
            assert!(words.at_least.contains("{count}"), "{language:?}");
            for sentence in [words.mail_password_subject, words.mail_password_set, words.mail_password_gone] {
                assert!(sentence.contains("{site}"), "{language:?}");
            }
        }
    }
}
