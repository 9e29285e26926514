//! A report as a page for a terminal.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::filter::{Basis, Filter};
use super::kpis::share;
use super::report::{Report, grouped};
use super::together::Together;

/// Rows of countries shown.
const COUNTRIES: usize = 10;

/// Narrower than this the columns do not fit.
const WIDTH_MIN: usize = 72;

/// The page, each line at most `width` columns (72 at least).
pub fn render_text(report: &Report, width: usize) -> String {
    let mut page = Page {
        out: String::new(),
        width: width.max(WIDTH_MIN),
    };
    // Writing to a String cannot fail, so neither can the page.
    match page.report(report) {
        Ok(()) | Err(std::fmt::Error) => page.out,
    }
}

/// Products bought together as a page, each line at most `width` columns (72 at least).
pub fn render_together(together: &Together, width: usize) -> String {
    let mut page = Page {
        out: String::new(),
        width: width.max(WIDTH_MIN),
    };
    // Writing to a String cannot fail, so neither can the page.
    match page.together(together) {
        Ok(()) | Err(std::fmt::Error) => page.out,
    }
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn report(&mut self, report: &Report) -> std::fmt::Result {
        self.headline(report)?;
        self.months(report)?;
        self.countries(report)?;
        self.products(report)?;
        self.segments(report)?;
        self.section("What stands out")?;
        for insight in &report.insights {
            self.wrapped(&insight.text)?;
        }
        for warning in &report.warnings {
            self.wrapped(&format!("Note: {warning}"))?;
        }
        Ok(())
    }

    fn together(&mut self, together: &Together) -> std::fmt::Result {
        self.section("Bought together")?;
        writeln!(
            self.out,
            "  {} pairs of {} products are in {} or more of {} invoices",
            count(together.pairs_found),
            count(together.products),
            count(together.floor_invoices),
            count(together.invoices)
        )?;
        let name = (self.width - 44) / 2;
        for pair in &together.pairs {
            let (a, b) = (&pair.a, &pair.b);
            writeln!(
                self.out,
                "  {:>6}  lift {:>5.1}  {:>3.0} %  {} <-> {}  {:>3.0} %",
                count(pair.invoices),
                pair.lift,
                pair.confidence_a_to_b * 100.0,
                fit(&a.description, name),
                fit(&b.description, name),
                pair.confidence_b_to_a * 100.0
            )?;
        }
        Ok(())
    }

    fn section(&mut self, title: &str) -> std::fmt::Result {
        let rule = "─".repeat(self.width.saturating_sub(title.chars().count() + 1));
        writeln!(self.out, "\n{title} {rule}")
    }

    fn headline(&mut self, report: &Report) -> std::fmt::Result {
        let kpis = &report.kpis;
        let days = report.data_days.map(|(a, b)| format!(" {a} to {b}"));
        writeln!(self.out, "Retail analytics{}", days.unwrap_or_default())?;
        if report.filter != Filter::default() {
            writeln!(self.out, "Only {}", report.filter.words())?;
        }
        writeln!(self.out)?;
        let average = kpis.average_order_value.unwrap_or_default();
        let sales = match report.filter.basis {
            Basis::Gross => "Sales",
            Basis::Net => "Sales, net",
        };
        let rows = [
            (sales, money(kpis.sales), "Invoices", count(kpis.invoices)),
            (
                "Net of returns",
                money(report.returns.net_sales),
                "Lines",
                count(kpis.lines),
            ),
            (
                "Average order",
                money(average),
                "Customers",
                count(kpis.customers),
            ),
            (
                "Without customer",
                money(kpis.sales_without_customer),
                "Products",
                count(kpis.products),
            ),
        ];
        for (left, money, right, count) in rows {
            writeln!(
                self.out,
                "  {left:<17}{money:>18}    {right:<10}{count:>12}"
            )?;
        }
        Ok(())
    }

    fn months(&mut self, report: &Report) -> std::fmt::Result {
        self.section("Revenue by month")?;
        let most = report
            .months
            .iter()
            .map(|m| m.amount)
            .max()
            .unwrap_or_default();
        for month in &report.months {
            let bar = self.bar(month.amount, most, 43);
            let growth = month
                .growth
                .map_or(String::new(), |g| format!("{:+.1} %", g * 100.0));
            let growth = if month.partial {
                "partial".to_owned()
            } else {
                growth
            };
            let amount = money(month.amount);
            writeln!(
                self.out,
                "  {}  {amount:>16}  {growth:>10}  {bar}",
                month.period
            )?;
        }
        Ok(())
    }

    fn countries(&mut self, report: &Report) -> std::fmt::Result {
        self.section("Countries")?;
        let most = report.countries.first().map_or(Decimal::ZERO, |c| c.amount);
        for country in report.countries.iter().take(COUNTRIES) {
            let bar = self.bar(country.amount, most, 52);
            let name = fit(&country.country, 20);
            let (amount, part) = (money(country.amount), country.share * 100.0);
            writeln!(self.out, "  {name}  {amount:>16}  {part:>5.1} %  {bar}")?;
        }
        let rest = report.countries.len().saturating_sub(COUNTRIES);
        if rest > 0 {
            writeln!(self.out, "  and {rest} more")?;
        }
        Ok(())
    }

    fn products(&mut self, report: &Report) -> std::fmt::Result {
        self.section("Top products")?;
        for product in &report.products {
            let code = fit(&product.stock_code, 12);
            let name = fit(&product.description, self.width - 48);
            let (items, amount) = (grouped(&product.items.to_string()), money(product.amount));
            let mark = if product.is_product { ' ' } else { '*' };
            writeln!(self.out, "{mark} {code}  {name}  {items:>10}  {amount:>16}")?;
        }
        if report.products.iter().any(|p| !p.is_product) {
            writeln!(self.out, "* not a product: postage, fee or adjustment")?;
        }
        Ok(())
    }

    fn segments(&mut self, report: &Report) -> std::fmt::Result {
        self.section("Customer segments")?;
        if let Some(day) = report.reference_date {
            writeln!(self.out, "  recency counted from {day}")?;
        }
        for segments in [&report.segments, &report.named_segments] {
            writeln!(self.out)?;
            for segment in segments {
                let (customers, amount) = (count(segment.customers), money(segment.amount));
                let part = segment.share * 100.0;
                let name = fit(&segment.name, 20);
                writeln!(
                    self.out,
                    "  {name}  {customers:>8}  {amount:>16}  {part:>5.1} %"
                )?;
            }
        }
        Ok(())
    }

    /// A bar in eighths of a column, in what `taken` columns leave of the width.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the page's width"
    )]
    fn bar(&self, value: Decimal, most: Decimal, taken: usize) -> String {
        let columns = self.width.saturating_sub(taken).min(50) as f64;
        let eighths = (share(value, most).clamp(0.0, 1.0) * columns * 8.0).round() as usize;
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        let bar = "█".repeat(eighths / 8) + rest;
        if bar.is_empty() && !value.is_zero() {
            "▏".to_owned()
        } else {
            bar
        }
    }

    fn wrapped(&mut self, text: &str) -> std::fmt::Result {
        let mut column = 0;
        for word in text.split(' ') {
            let length = word.chars().count() + 1;
            if column == 0 {
                write!(self.out, "  • {word}")?;
                column = 3 + length;
            } else if column + length > self.width {
                write!(self.out, "\n    {word}")?;
                column = 3 + length;
            } else {
                write!(self.out, " {word}")?;
                column += length;
            }
        }
        writeln!(self.out)
    }
}

fn money(amount: Decimal) -> String {
    format!("£{}", grouped(&super::kpis::pounds(amount).to_string()))
}

fn count(count: u64) -> String {
    grouped(&count.to_string()).to_string()
}

/// Text cut or filled to `width` columns.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() > width {
        let cut: String = text.chars().take(width.saturating_sub(1)).collect();
        return cut + "…";
    }
    format!("{text:<width$}")
}
