//! Sentences made from figures: each with its figure, what it is compared with, and where to look.

use serde::Serialize;

use super::report::{Report, grouped};

/// A page that an insight leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InsightLink {
    /// Sales by month.
    Months,
    /// Sales by country.
    Countries,
    /// Products.
    Products,
    /// Customer segments.
    Segments,
    /// Cancelled lines.
    Returns,
    /// Lines without a customer.
    Customers,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Insight {
    /// The sentence, with the figure and the comparison in it.
    pub text: String,
    /// The figure.
    pub figure: String,
    /// What it is compared with.
    pub comparison: String,
    /// Where the figure is from.
    pub link: InsightLink,
}

/// What stands out. Nothing is said about data that is not there.
pub(super) fn insights(report: &Report) -> Vec<Insight> {
    let all = [
        best_month(report),
        growth(report),
        top_countries(report),
        top_products(report),
        best_segment(report),
        returned(report),
        anonymous(report),
    ];
    all.into_iter().flatten().collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn pounds(amount: rust_decimal::Decimal) -> String {
    format!("£{}", grouped(&super::kpis::pounds(amount).to_string()))
}

fn best_month(report: &Report) -> Option<Insight> {
    let complete: Vec<_> = report.months.iter().filter(|m| !m.partial).collect();
    let best = complete.iter().max_by_key(|m| m.amount)?;
    let worst = complete.iter().min_by_key(|m| m.amount)?;
    if best.period == worst.period {
        return None;
    }
    let figure = pounds(best.amount);
    let comparison = format!("{} in {}", pounds(worst.amount), worst.period);
    Some(Insight {
        text: format!(
            "The best complete month is {} with {figure}; the weakest had {comparison}",
            best.period
        ),
        figure,
        comparison,
        link: InsightLink::Months,
    })
}

fn growth(report: &Report) -> Option<Insight> {
    let (then, now) = report
        .months
        .windows(2)
        .filter_map(|pair| pair.last()?.growth.map(|_| (&pair[0], &pair[1])))
        .next_back()?;
    let change = now.growth?;
    let (verb, figure) = (
        if change < 0.0 { "fell" } else { "rose" },
        percent(change.abs()),
    );
    let comparison = format!("{} in {}", pounds(then.amount), then.period);
    Some(Insight {
        text: format!(
            "Sales {verb} by {figure} in {}, from {comparison} to {}",
            now.period,
            pounds(now.amount)
        ),
        figure,
        comparison,
        link: InsightLink::Months,
    })
}

fn top_countries(report: &Report) -> Option<Insight> {
    let first = report.countries.first()?;
    let count = report.countries.len();
    let figure = percent(first.share);
    let comparison = format!(
        "{} for the three largest of {count} countries",
        percent(report.concentration.top_3_countries)
    );
    Some(Insight {
        text: format!("{} brings {figure} of sales; {comparison}", first.country),
        figure,
        comparison,
        link: InsightLink::Countries,
    })
}

fn top_products(report: &Report) -> Option<Insight> {
    (report.kpis.products > 0).then(|| {
        let figure = percent(report.concentration.top_fifth_of_products);
        let comparison = format!("{} products", grouped(&report.kpis.products.to_string()));
        Insight {
            text: format!("The best-selling fifth of {comparison} brings {figure} of sales"),
            figure,
            comparison,
            link: InsightLink::Products,
        }
    })
}

fn best_segment(report: &Report) -> Option<Insight> {
    let best = report.named_segments.iter().max_by_key(|s| s.amount)?;
    (best.customers > 0).then(|| {
        let figure = percent(best.share);
        let of = best.customers as f64 / report.customers.max(1) as f64;
        let comparison = format!("{} of customers", percent(of));
        Insight {
            text: format!(
                "{}: {comparison} bring {figure} of the sales to known customers",
                best.name
            ),
            figure,
            comparison,
            link: InsightLink::Segments,
        }
    })
}

fn returned(report: &Report) -> Option<Insight> {
    let rate = report.returns.rate_by_amount?;
    let figure = percent(rate);
    let comparison = format!("{} of lines", percent(report.returns.rate_by_lines?));
    (report.returns.lines > 0).then(|| Insight {
        text: format!(
            "{figure} of the value sold was cancelled, {comparison}: {}",
            pounds(report.returns.amount)
        ),
        figure,
        comparison,
        link: InsightLink::Returns,
    })
}

fn anonymous(report: &Report) -> Option<Insight> {
    let (part, all) = (report.kpis.lines_without_customer, report.kpis.lines);
    (part > 0).then(|| {
        let figure = percent(part as f64 / all as f64);
        let comparison = format!("{} of {}", grouped(&part.to_string()), grouped(&all.to_string()));
        Insight {
            text: format!("{figure} of lines ({comparison}) name no customer: they count in sales, not in customer figures"),
            figure,
            comparison,
            link: InsightLink::Customers,
        }
    })
}
