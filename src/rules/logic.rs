//! Logic expressions such as `(1 or 2) and 3` (contract 13.4): numbers of conditions, `and`, `or`, parentheses; `and`
//! binds tighter; there is no `not`.

use serde::{Deserialize, Serialize};

/// How conditions are combined; a condition is named by its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Logic {
    /// Holds when there are none.
    All(Vec<Logic>),
    Any(Vec<Logic>),
    Condition(usize),
}

/// Longest expression, in bytes.
const LONGEST: usize = 1000;
/// Deepest nesting of parentheses.
const DEEPEST: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Number(i64),
    And,
    Or,
    Open,
    Close,
}

impl Logic {
    /// Decides it by what each condition says.
    pub fn holds(&self, condition: &mut impl FnMut(usize) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(condition)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(condition)),
            Self::Condition(position) => condition(*position),
        }
    }
}

/// Reads an expression over conditions that are called `numbers`. An error completes "the expression …".
pub fn parse(text: &str, numbers: &[i64]) -> Result<Logic, String> {
    if LONGEST < text.len() {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, numbers };
    if parser.tokens.is_empty() {
        return Err("is empty".to_owned());
    }
    let logic = parser.expression()?;
    match parser.peek() {
        None => Ok(logic),
        Some(Token::Close) => Err("closes a parenthesis that was not opened".to_owned()),
        Some(_) => Err("lacks 'and' or 'or' between two conditions".to_owned()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            _ if first.is_ascii_digit() => {
                rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len())
            }
            _ if first.is_ascii_alphabetic() => {
                rest.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(rest.len())
            }
            _ => return Err(format!("has a '{first}', which means nothing here")),
        };
        let word = &rest[..length];
        tokens.push(match word {
            "(" => Token::Open,
            ")" => Token::Close,
            _ if word.eq_ignore_ascii_case("and") => Token::And,
            _ if word.eq_ignore_ascii_case("or") => Token::Or,
            _ => {
                Token::Number(word.parse().map_err(|_| format!("has a '{word}', which means nothing here"))?)
            }
        });
        let after = &rest[length..];
        // "1and2" would be read, but "1 or2" is more likely a slip than a wish.
        if !matches!(word, "(" | ")") && after.starts_with(|character: char| character.is_alphanumeric()) {
            return Err(format!("lacks a blank after '{word}'"));
        }
        rest = after.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    numbers: &'a [i64],
}

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self, token: Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.next += usize::from(is_next);
        is_next
    }

    fn expression(&mut self) -> Result<Logic, String> {
        let mut parts = vec![self.term()?];
        while self.take(Token::Or) {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Logic::Any(parts) })
    }

    fn term(&mut self) -> Result<Logic, String> {
        let mut parts = vec![self.fact()?];
        while self.take(Token::And) {
            parts.push(self.fact()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Logic::All(parts) })
    }

    fn fact(&mut self) -> Result<Logic, String> {
        match self.peek() {
            Some(Token::Number(number)) => {
                self.next += 1;
                let position = self.numbers.iter().position(|known| *known == number);
                position
                    .map(Logic::Condition)
                    .ok_or_else(|| format!("names condition {number}, which does not exist"))
            }
            Some(Token::Open) => {
                self.next += 1;
                self.depth += 1;
                if DEEPEST < self.depth {
                    return Err(format!("is nested deeper than {DEEPEST} parentheses"));
                }
                let inner = self.expression()?;
                self.depth -= 1;
                match self.take(Token::Close) {
                    true => Ok(inner),
                    false => Err("does not close a parenthesis".to_owned()),
                }
            }
            _ => Err("lacks a condition's number".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the expression holds when exactly `yes` of the conditions 1 to 5 hold.
    fn holds(text: &str, yes: &[usize]) -> bool {
        parse(text, &[1, 2, 3, 4, 5]).unwrap().holds(&mut |position| yes.contains(&(position + 1)))
    }

    fn error(text: &str) -> String {
        parse(text, &[1, 2, 3]).unwrap_err()
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(holds("1 or 2 and 3", &[1]));
        assert!(!holds("1 or 2 and 3", &[2]));
        assert!(!holds("(1 or 2) and 3", &[1]));
        assert!(holds("(1 or 2) and 3", &[1, 3]));
        assert!(holds("(1 or 2 or 3) and (4 and 5)", &[2, 4, 5]));
        assert!(!holds("(1 or 2 or 3) and (4 and 5)", &[2, 4]));
    }

    #[test]
    fn keywords_have_any_case_and_blanks_any_width() {
        assert!(holds("  1   AND(2 Or 3)  ", &[1, 3]));
        assert!(holds("((1))", &[1]));
    }

    #[test]
    fn conditions_are_called_by_their_own_numbers() {
        assert_eq!(
            parse("30 and 10", &[10, 30]),
            Ok(Logic::All(vec![Logic::Condition(1), Logic::Condition(0)]))
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("1 and", "lacks a condition's number"),
            ("or 1", "lacks a condition's number"),
            ("()", "lacks a condition's number"),
            ("1 2", "lacks 'and' or 'or' between two conditions"),
            ("(1) (2)", "lacks 'and' or 'or' between two conditions"),
            ("(1 or 2", "does not close a parenthesis"),
            ("1)", "closes a parenthesis that was not opened"),
            ("1 and 4", "names condition 4, which does not exist"),
            ("1 and 0", "names condition 0, which does not exist"),
            ("1 or2", "lacks a blank after 'or'"),
            ("not 1", "has a 'not', which means nothing here"),
            ("1 && 2", "has a '&', which means nothing here"),
            ("（1）", "has a '（', which means nothing here"),
            ("99999999999999999999", "has a '99999999999999999999', which means nothing here"),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
        assert!(error(&["(".repeat(30), "1".to_owned(), ")".repeat(30)].concat()).contains("nested deeper"));
        assert!(error(&"1 or ".repeat(300)).contains("longer than"));
    }
}
