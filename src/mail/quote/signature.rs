//! Where the signature under a reply begins: marked by the mail program, behind the delimiter `-- `, or one of the
//! lines that telephones and lists add. A greeting and a name are part of the reply.

use super::Line;

/// Longer ones are no signatures, in lines and in characters of a line.
const LINES: usize = 12;
const LINE_CHARS: usize = 100;
/// Of one that the markup names.
const MARKED_LINES: usize = 25;
const DEVICE_CHARS: usize = 70;

/// The first line of the signatures that end before `end`. Something of the reply stays above.
pub(super) fn find(lines: &[Line], quoted: &[bool], end: usize) -> Option<usize> {
    let mut start = end;
    // A telephone's line may stand under the signature of the mail program, which may stand above a list's footer.
    for _ in 0..3 {
        let Some(found) = one(lines, quoted, start) else { break };
        if !(0..found).any(|above| !lines[above].is_blank() && !quoted[above]) {
            break;
        }
        start = found;
    }
    (start < end).then_some(start)
}

fn one(lines: &[Line], quoted: &[bool], end: usize) -> Option<usize> {
    let is_text = |index: &usize| !lines[*index].is_blank();
    let last = (0..end).rfind(is_text)?;
    if quoted[last] {
        return None;
    }
    if lines[last].is_signature {
        let first = (0..last).rfind(|index| is_text(index) && !lines[*index].is_signature);
        let start = first.map_or(0, |first| first + 1);
        let is_short = (start..=last).filter(is_text).count() <= MARKED_LINES;
        let start = first.filter(|&first| is_delimiter(&lines[first].text)).unwrap_or(start);
        return is_short.then_some(start);
    }
    if is_device(&lines[last].text) {
        return Some(last);
    }
    let delimiter =
        (0..last).rfind(|&index| is_delimiter(&lines[index].text) || is_rule(&lines[index].text))?;
    let below: Vec<usize> = (delimiter + 1..=last).filter(is_text).collect();
    let is_short = |index: &usize| !quoted[*index] && lines[*index].text.chars().count() <= LINE_CHARS;
    let is_list = || lines[below[0]].text.to_lowercase().contains("mailing list");
    let is_signature = below.len() <= LINES
        && below.iter().all(is_short)
        && (is_delimiter(&lines[delimiter].text) || is_list());
    is_signature.then_some(delimiter)
}

fn is_delimiter(line: &str) -> bool {
    line == "--"
}

fn is_rule(line: &str) -> bool {
    2 <= line.len() && line.bytes().all(|byte| byte == b'_')
}

/// How the lines begin that telephones and mail programs add, in lower case.
const DEVICES: &[&str] = &[
    "sent from my ",
    "sent from outlook",
    "sent from mail for",
    "sent from yahoo mail",
    "sent from samsung",
    "sent from proton mail",
    "sent from typeapp",
    "sent from bluemail",
    "sent with proton",
    "sent via ",
    "sent using ",
    "get outlook for",
    "get typeapp for",
    "yahoo mail: ",
    "von meinem iphone gesendet",
    "von meinem ipad gesendet",
    "von meinem samsung",
    "von meinem handy gesendet",
    "gesendet von mail",
    "gesendet von outlook",
    "gesendet mit der",
    "gesendet von meinem",
    "envoyé de mon",
    "envoyé depuis mon",
    "envoyé à partir de",
    "envoyé depuis l'application",
    "télécharger outlook",
    "obtenir outlook pour",
    "enviado desde mi",
    "enviado desde outlook",
    "obtener outlook para",
    "enviado do meu",
    "enviado do outlook",
    "obter o outlook para",
    "inviato da iphone",
    "inviato da ipad",
    "inviato dal mio",
    "inviato da outlook",
    "scarica outlook per",
    "ottieni outlook per",
    "verstuurd vanaf mijn",
    "verzonden vanaf mijn",
    "verzonden met",
    "outlook downloaden voor",
    "skickat från min",
    "hämta outlook för",
    "sendt fra min",
    "sendt fra outlook",
    "hent outlook til",
    "få outlook for",
    "lähetetty ",
    "wysłane z ",
    "odesláno z ",
    "odoslané z ",
    "elküldve az ",
    "trimis de pe ",
    "iphone'umdan gönderildi",
    "отправлено с ",
    "отправлено из ",
    "надіслано з ",
    "发自我的",
    "從我的",
    "来自我的",
    "iphoneから送信",
    "ipadから送信",
    "나의 iphone에서 보냄",
    "나의 ipad에서 보냄",
    "נשלח מה",
    "تم الإرسال من",
];

/// `Sent from my iPhone` in the languages of telephones: one short line that is no sentence of the reply.
fn is_device(line: &str) -> bool {
    let text = line.split(['<', '(']).next().unwrap_or_default().trim();
    let text = text.trim_matches(|c: char| matches!(c, '*' | '_' | '-' | '[' | ']' | ' ' | '.'));
    let is_sentence = text.contains([',', '!', '?', ';', ':']) || text.contains(". ");
    let lower = text.to_lowercase();
    text.chars().count() <= DEVICE_CHARS
        && !is_sentence
        && DEVICES.iter().any(|start| lower.starts_with(start) || lower == start.trim_end())
}

#[cfg(test)]
mod tests {
    use super::is_device;

    #[test]
    fn lines_of_telephones_are_told_from_sentences() {
        for line in [
            "Sent from my iPhone",
            "Sent from my Verizon Wireless BlackBerry",
            "Get Outlook for iOS<https://aka.ms/o0ukef>",
            "Get Outlook for Android (https://aka.ms/AAb9ysg)",
            "Von meinem iPhone gesendet",
            "Envoyé de mon iPhone",
            "Отправлено с iPhone",
            "iPhoneから送信",
            "发自我的iPhone",
            "*Sent from my Galaxy*",
        ] {
            assert!(is_device(line), "{line}");
        }
        for line in [
            "Sent from my desk, is much easier then my mobile phone.",
            "The notification was sent from my iPhone app to all users.",
            "Sent a magnificent torch of pixels",
            "Sent from my account: two parcels",
            "Sent from my old address. It never arrived.",
        ] {
            assert!(!is_device(line), "{line}");
        }
    }
}
