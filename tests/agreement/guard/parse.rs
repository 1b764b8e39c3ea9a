pub fn digits(text: &str) -> Option<u32> {
    let mut total = 0;
    for c in text.chars() {
        if c.is_ascii_digit() && total < 1000 {
            total = total * 10 + c.to_digit(10)?;
        } else if c.is_whitespace() || total > 9 {
            continue;
        } else {
            return None;
        }
    }
    Some(total)
}

pub fn kind(n: i32, _names: &str) -> &str {
    match n {
        0 => "none",
        1 | 2 => "few",
        _ => "many",
    }
}

pub fn last(mut n: u32) -> u32 {
    loop {
        while n > 10 {
            n -= 1;
        }
        if n < 3 {
            return n;
        }
        n -= 2;
    }
}
