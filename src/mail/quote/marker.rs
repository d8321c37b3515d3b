//! The lines with which mail programs announce a quote.

/// Stands at the top of the mails we send.
pub const OWN_MARKER: &str = "## Please write above this line ##";

pub(super) fn is_own_marker(line: &str) -> bool {
    line.contains(OWN_MARKER)
}

/// "wrote", where the announcement ends with it or with a colon.
const WROTE: &[&str] = &[
    "wrote",
    "writes",
    "schrieb",
    "geschrieben",
    "écrit",
    "ecrit",
    "escribió",
    "escribio",
    "scritto",
    "escreveu",
    "schreef",
    "geschreven",
    "napisał",
    "napisała",
    "napisał(a)",
    "napisal",
    "skrev",
    "kirjoitti",
    "írta",
    "yazdı",
    "şunları",
    "napsal",
    "napsala",
    "napsal(a)",
    "napísal",
    "napísal(a)",
    "scris",
    "έγραψε",
    "написал",
    "написала",
    "написал(а)",
    "писал",
    "пишет",
    "написав",
    "написа",
    "escrigué",
    "kirjutas",
    "rašė",
    "rakstīja",
    "napisao",
    "viết",
    "menulis",
    "כתב",
    "כתבה",
    "كتب",
    "写道",
    "写道：",
    "寫道",
    "寫道：",
    "のメール",
    "작성",
    "escriure",
];

/// Words that open such a line before a date.
const INTRODUCTIONS: &[&str] = &[
    "on", "le", "el", "il", "em", "am", "op", "den", "dnia", "w", "in", "dne", "la", "a", "på", "d.", "pe",
    "ma", "ti", "ke", "to", "la", "su", "tir.", "man.", "ons.", "tor.", "fre.", "lør.", "søn.", "pada",
    "vào", "στις", "at", "del",
];

/// "On …, … wrote:" and its likes, lines joined by a space.
pub(super) fn is_attribution(line: &str) -> bool {
    let line =
        line.trim_matches(|character: char| matches!(character, '-' | ' ' | '>' | '*' | '_' | '\u{a0}'));
    let lower = line.to_lowercase();
    if lower.len() < 10 || lower.contains("://") && !lower.contains("mailto:") && !lower.contains('@') {
        return false;
    }
    let ends_with_colon = lower.ends_with([':', '：']);
    let has_address = lower.contains('@');
    let has_digit = lower.contains(|character: char| character.is_ascii_digit());
    if ends_with_colon && has_address && has_digit && has_time_or_year(&lower) && is_short_sentence(&lower) {
        return true;
    }
    let mut words =
        lower.split([' ', ',', '\u{a0}', '<', '>', '(', '"', ':', '：']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let starts_like_one =
        INTRODUCTIONS.contains(&first) || first.starts_with(|character: char| character.is_ascii_digit());
    let ends_with_verb =
        lower.trim_end_matches([':', '：', ' ']).rsplit([' ', '>', '\u{a0}', ')']).next().is_some_and(
            |last| WROTE.contains(&last) || WROTE.iter().any(|verb| !verb.is_ascii() && last.ends_with(verb)),
        );
    let has_verb = || words.clone().any(|word| WROTE.contains(&word));
    has_digit && (has_address || starts_like_one) && (ends_with_verb || ends_with_colon && has_verb())
}

/// Whether a line may be the first of several that announce a quote: it names a day.
pub(super) fn opens_attribution(line: &str) -> bool {
    let lower = line.to_lowercase();
    let first = lower.split([' ', ',']).next().unwrap_or_default();
    let has_digit = lower.contains(|character: char| character.is_ascii_digit());
    has_digit && (INTRODUCTIONS.contains(&first) || has_time_or_year(&lower))
}

/// `14:05`, `18.30` or a year: there is a date in it.
fn has_time_or_year(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).any(|index| {
        let is_time = matches!(bytes[index], b':' | b'.')
            && index > 0
            && is_digit(index - 1)
            && is_digit(index + 1)
            && is_digit(index + 2);
        let is_year = line.is_char_boundary(index)
            && (line[index..].starts_with("20") || line[index..].starts_with("19"))
            && is_digit(index + 2)
            && is_digit(index + 3)
            && !is_digit(index + 4);
        is_time || is_year
    })
}

/// Date, name, address and nothing else: the address stands at the end.
fn is_short_sentence(line: &str) -> bool {
    let end = line.trim_end_matches([':', '：', ' ', '>', ')', ']', '"']);
    let last = end.rsplit([' ', '<', '(', '[']).next().unwrap_or_default();
    line.len() <= 250 && last.contains('@')
}

const ORIGINAL_MESSAGE: &[&str] = &[
    "original message",
    "original appointment",
    "original email",
    "reply message",
    "forwarded message",
    "begin forwarded message",
    "ursprüngliche nachricht",
    "originalnachricht",
    "weitergeleitete nachricht",
    "message d'origine",
    "message d’origine",
    "message original",
    "message initial",
    "message transféré",
    "messaggio originale",
    "messaggio inoltrato",
    "mensaje original",
    "mensaje reenviado",
    "mensagem original",
    "mensagem encaminhada",
    "oorspronkelijk bericht",
    "doorgestuurd bericht",
    "oprindelig besked",
    "oprindelig meddelelse",
    "videresendt besked",
    "ursprungligt meddelande",
    "vidarebefordrat meddelande",
    "opprinnelig melding",
    "alkuperäinen viesti",
    "oryginalna wiadomość",
    "wiadomość oryginalna",
    "wiadomość przekazana",
    "исходное сообщение",
    "оригинальное сообщение",
    "пересылаемое сообщение",
    "původní zpráva",
    "pôvodná správa",
    "eredeti üzenet",
    "orijinal mesaj",
    "mesaj original",
    "αρχικό μήνυμα",
    "missatge original",
    "izvorna poruka",
    "izvirno sporočilo",
    "оригинално съобщение",
    "вихідне повідомлення",
    "原始邮件",
    "原始郵件",
    "转发邮件",
    "元のメッセージ",
    "原本メッセージ",
    "원본 메시지",
    "원본 메일",
];

/// `-----Original Message-----` in any language.
pub(super) fn is_original_message(line: &str) -> bool {
    let is_dash = |character: char| matches!(character, '-' | '—' | '–' | '_' | '=' | ' ' | '*');
    let inner = line.trim_matches(is_dash);
    let is_framed = line.len() >= inner.len() + 4 && line.starts_with(is_dash) && line.ends_with(is_dash);
    let lower = inner.to_lowercase();
    let is_apple_forward = lower == "begin forwarded message:";
    is_apple_forward
        || is_framed && inner.len() <= 80 && ORIGINAL_MESSAGE.iter().any(|phrase| lower.contains(phrase))
}

/// A line of dashes or underscores only.
pub(super) fn is_separator(line: &str) -> bool {
    line.chars().count() >= 4
        && line.chars().all(|character| matches!(character, '-' | '_' | '=' | '—' | '–' | '*' | ' '))
}

/// From, date, to, subject: what the headers of a quoted mail are called.
const LABELS: [&[&str]; 4] = [
    &[
        "from",
        "von",
        "de",
        "da",
        "van",
        "från",
        "fra",
        "od",
        "lähettäjä",
        "feladó",
        "kimden",
        "gönderen",
        "expéditeur",
        "remitente",
        "remetente",
        "mittente",
        "afzender",
        "от",
        "от кого",
        "від",
        "из",
        "από",
        "din",
        "发件人",
        "寄件者",
        "寄件人",
        "差出人",
        "送信者",
        "보낸 사람",
        "보낸사람",
        "מאת",
        "من",
        "nuo",
        "no",
        "saatja",
    ],
    &[
        "sent",
        "date",
        "gesendet",
        "datum",
        "envoyé",
        "envoyé le",
        "date d'envoi",
        "enviado",
        "enviada em",
        "enviado el",
        "enviado em",
        "enviada",
        "fecha",
        "data",
        "inviato",
        "data invio",
        "verzonden",
        "skickat",
        "sendt",
        "dato",
        "wysłano",
        "отправлено",
        "дата",
        "надіслано",
        "lähetetty",
        "päivämäärä",
        "päiväys",
        "elküldve",
        "dátum",
        "küldve",
        "gönderildi",
        "gönderilme tarihi",
        "tarih",
        "odesláno",
        "odoslané",
        "poslano",
        "trimis",
        "ημερομηνία",
        "στάλθηκε",
        "发送时间",
        "发送日期",
        "日期",
        "寄件日期",
        "日付",
        "送信日時",
        "보낸 날짜",
        "날짜",
        "נשלח",
        "تاريخ",
        "message du",
    ],
    &[
        "to",
        "an",
        "à",
        "a",
        "para",
        "aan",
        "till",
        "til",
        "do",
        "кому",
        "vastaanottaja",
        "címzett",
        "kime",
        "komu",
        "za",
        "către",
        "προς",
        "收件人",
        "宛先",
        "받는 사람",
        "받는사람",
        "אל",
        "إلى",
        "destinataire",
        "destinatario",
        "destinatário",
        "empfänger",
        "cc",
        "kopia",
        "kopie",
        "copie à",
        "copia",
        "копия",
    ],
    &[
        "subject",
        "betreff",
        "objet",
        "sujet",
        "asunto",
        "assunto",
        "oggetto",
        "onderwerp",
        "ämne",
        "emne",
        "temat",
        "тема",
        "aihe",
        "tárgy",
        "konu",
        "předmět",
        "predmet",
        "zadeva",
        "subiect",
        "θέμα",
        "主题",
        "主旨",
        "件名",
        "제목",
        "נושא",
        "الموضوع",
        "re",
    ],
];

/// Whether the headers of a mail start here: three of the four kinds before the next blank line.
pub(super) fn header_block<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut found = [false; 4];
    for (index, line) in lines.take(9).enumerate() {
        let line = line.trim_start_matches(['*', '>', ' ']);
        match label(line) {
            Some(kind) => found[kind] = true,
            None if index == 0 || line.is_empty() => return false,
            None => {}
        }
        if found.iter().filter(|&&is_found| is_found).count() >= 3 {
            return true;
        }
    }
    false
}

fn label(line: &str) -> Option<usize> {
    let (name, _) = line.split_once([':', '：'])?;
    if name.len() > 40 {
        return None;
    }
    let name = name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
    LABELS.iter().position(|names| names.contains(&name.as_str()))
}
