//! The exact rate within one piece of a shape, closed under everything shapes are combined with.
//!
//! A law is a sum of terms `p(u) cos(w u + f)` with a polynomial p, where u is the time into the piece.
//! Constants and lines are terms with w = 0, waves have w > 0. Sums of laws are laws; so are products,
//! because `cos a cos b = (cos(a - b) + cos(a + b)) / 2`. Every term has a closed integral (by parts), so
//! products of any shapes integrate exactly, piece by piece.

/// `poly(u) * cos(omega * u + phase)`, `poly[k]` being the coefficient of u^k.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    poly: Vec<f64>,
    omega: f64,
    phase: f64,
}

/// A sum of terms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Law {
    terms: Vec<Term>,
}

/// A time is found when it is known this well: a thousandth of the promised microsecond.
const PRECISION_S: f64 = 1e-9;

impl Law {
    pub(super) fn constant(rate: f64) -> Self {
        Law::line(rate, 0.0)
    }

    /// `rate + slope u`.
    pub(super) fn line(rate: f64, slope: f64) -> Self {
        let poly = if slope == 0.0 { vec![rate] } else { vec![rate, slope] };
        Law { terms: vec![Term { poly, omega: 0.0, phase: 0.0 }] }
    }

    /// `middle + amplitude cos(omega u + phase)`.
    pub(super) fn wave(middle: f64, amplitude: f64, omega: f64, phase: f64) -> Self {
        let mut law = Law::constant(middle);
        law.terms.push(Term { poly: vec![amplitude], omega, phase });
        law
    }

    pub(super) fn plus(mut self, other: &Law) -> Self {
        for term in &other.terms {
            self.add(term.clone());
        }
        self
    }

    pub(super) fn times(&self, other: &Law) -> Self {
        let mut product = Law { terms: Vec::new() };
        for a in &self.terms {
            for b in &other.terms {
                let poly = multiply(&a.poly, &b.poly);
                if a.omega == 0.0 || b.omega == 0.0 {
                    product.add(Term { poly, omega: a.omega + b.omega, phase: a.phase + b.phase });
                } else {
                    let half: Vec<f64> = poly.iter().map(|coefficient| coefficient / 2.0).collect();
                    product.add(Term {
                        poly: half.clone(),
                        omega: a.omega - b.omega,
                        phase: a.phase - b.phase,
                    });
                    product.add(Term { poly: half, omega: a.omega + b.omega, phase: a.phase + b.phase });
                }
            }
        }
        product
    }

    /// Every rate times `factor`.
    pub(super) fn scaled(mut self, factor: f64) -> Self {
        self.terms.iter_mut().flat_map(|term| &mut term.poly).for_each(|coefficient| *coefficient *= factor);
        self
    }

    /// The same rates, passed through `factor` times as fast: u becomes factor × u.
    pub(super) fn faster(mut self, factor: f64) -> Self {
        for term in &mut self.terms {
            term.omega *= factor;
            let mut power = 1.0;
            for coefficient in &mut term.poly {
                *coefficient *= power;
                power *= factor;
            }
        }
        self
    }

    /// Adds a term in normal form: a wave that stands still is a polynomial, frequencies are positive, and
    /// there is one polynomial only.
    fn add(&mut self, mut term: Term) {
        if term.omega == 0.0 {
            let still = term.phase.cos();
            term.poly.iter_mut().for_each(|coefficient| *coefficient *= still);
            term.phase = 0.0;
            if let Some(mine) = self.terms.iter_mut().find(|mine| mine.omega == 0.0) {
                if mine.poly.len() < term.poly.len() {
                    mine.poly.resize(term.poly.len(), 0.0);
                }
                mine.poly.iter_mut().zip(&term.poly).for_each(|(mine, theirs)| *mine += theirs);
                return;
            }
        } else if term.omega < 0.0 {
            (term.omega, term.phase) = (-term.omega, -term.phase);
        }
        self.terms.push(term);
    }

    /// The rate `u_s` into the piece.
    pub(crate) fn rate(&self, u_s: f64) -> f64 {
        self.terms.iter().map(|term| term.value(u_s)).sum()
    }

    /// The integral of the rate over the first `u_s` of the piece.
    pub(crate) fn integral(&self, u_s: f64) -> f64 {
        self.terms.iter().map(|term| term.integral(u_s)).sum()
    }

    /// How far into the piece the integral reaches `n` (0 or more), in closed form, which constants and
    /// straight lines have; nothing for other laws.
    pub(super) fn time_of(&self, n: f64) -> Option<f64> {
        match self.terms.as_slice() {
            [Term { poly, omega, .. }] if *omega == 0.0 && poly.len() <= 2 => {
                // rate u + slope u² / 2 = n, solved in the form that does not cancel.
                let (rate, slope) = (poly[0], poly.get(1).copied().unwrap_or(0.0));
                let root = (rate * rate + 2.0 * slope * n).max(0.0).sqrt();
                Some(if n <= 0.0 { 0.0 } else { 2.0 * n / (rate + root) })
            }
            _ => None,
        }
    }

    /// How far into the piece the integral reaches `n`, which it does between `low` and `high`, each given as
    /// (time, integral there).
    ///
    /// Newton's method inside a bracket that every evaluation narrows; where Newton leaves the bracket or
    /// the rate is near zero, the bracket is halved instead, so it always ends. The answer depends on the
    /// arguments alone.
    pub(super) fn time_between(&self, n: f64, low: (f64, f64), high: (f64, f64)) -> f64 {
        let (mut low_s, mut high_s) = (low.0, high.0);
        // A straight line between the ends is a good first guess when they are near.
        let guess_s = low_s + (high_s - low_s) * (n - low.1) / (high.1 - low.1);
        let mut u_s =
            if guess_s > low_s && guess_s < high_s { guess_s } else { f64::midpoint(low_s, high_s) };
        // 200 halvings exhaust every double; Newton takes two or three from a good guess.
        for _ in 0..200 {
            let excess = self.integral(u_s) - n;
            *(if excess < 0.0 { &mut low_s } else { &mut high_s }) = u_s;
            if high_s - low_s <= PRECISION_S {
                break;
            }
            let newton_s = u_s - excess / self.rate(u_s);
            // Newton's error after a step is of the order of the step squared, and at worst (where the rate
            // rises from zero) of the step itself.
            if (newton_s - u_s).abs() <= 10.0 * PRECISION_S {
                return newton_s.clamp(low_s, high_s);
            }
            let inside = newton_s > low_s && newton_s < high_s;
            u_s = if inside { newton_s } else { f64::midpoint(low_s, high_s) };
        }
        f64::midpoint(low_s, high_s)
    }
}

impl Term {
    fn value(&self, u_s: f64) -> f64 {
        let poly = self.poly.iter().rev().fold(0.0, |value, coefficient| value * u_s + coefficient);
        if self.omega == 0.0 { poly } else { poly * (self.omega * u_s + self.phase).cos() }
    }

    fn integral(&self, u_s: f64) -> f64 {
        if self.omega == 0.0 {
            let powers = self.poly.iter().enumerate().rev();
            return powers.fold(0.0, |value, (k, coefficient)| value * u_s + coefficient / (k as f64 + 1.0))
                * u_s;
        }
        if let [amplitude] = self.poly.as_slice() {
            // (sin(w u + f) - sin f) / w as a product, which does not cancel for slow waves.
            let half = self.omega * u_s / 2.0;
            return amplitude * 2.0 / self.omega * half.sin() * (self.phase + half).cos();
        }
        if (self.omega * u_s).abs() < 0.5 {
            return self.slow_integral(u_s);
        }
        self.antiderivative(u_s) - self.antiderivative(0.0)
    }

    /// By parts: p sin/w + p' cos/w² - p'' sin/w³ - p''' cos/w⁴ + …
    fn antiderivative(&self, u_s: f64) -> f64 {
        let (sin, cos) = (self.omega * u_s + self.phase).sin_cos();
        let mut poly = self.poly.clone();
        let (mut sum, mut power) = (0.0, self.omega);
        for order in 0.. {
            let value = poly.iter().rev().fold(0.0, |value, coefficient| value * u_s + coefficient);
            sum += match order % 4 {
                0 => value * sin,
                1 => value * cos,
                2 => -value * sin,
                _ => -value * cos,
            } / power;
            power *= self.omega;
            if poly.len() <= 1 {
                break;
            }
            poly = poly.iter().enumerate().skip(1).map(|(k, coefficient)| k as f64 * coefficient).collect();
        }
        sum
    }

    /// Eight-point Gauss-Legendre quadrature (Abramowitz and Stegun, table 25.4). The formula by parts
    /// cancels when the wave hardly turns within the piece; there the integrand is so nearly a polynomial
    /// that this is exact to rounding (its error is of the order of 0.25^16 / 16!).
    fn slow_integral(&self, u_s: f64) -> f64 {
        const NODES: [(f64, f64); 4] = [
            (0.183_434_642_495_649_8, 0.362_683_783_378_362),
            (0.525_532_409_916_329, 0.313_706_645_877_887_3),
            (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
            (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
        ];
        let half = u_s / 2.0;
        let sum: f64 = NODES
            .iter()
            .map(|(node, weight)| weight * (self.value(half - half * node) + self.value(half + half * node)))
            .sum();
        half * sum
    }
}

fn multiply(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            product[i + j] += x * y;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral by ten thousand midpoints: slow, simple and independent of the closed forms.
    fn by_midpoints(law: &Law, u_s: f64) -> f64 {
        let slices = 10_000;
        let width = u_s / f64::from(slices);
        (0..slices).map(|k| law.rate((f64::from(k) + 0.5) * width) * width).sum()
    }

    fn assert_integrates(law: &Law, u_s: f64) {
        let (closed, slices) = (law.integral(u_s), by_midpoints(law, u_s));
        assert!((closed - slices).abs() <= 1e-6 * slices.abs().max(1.0), "{closed} against {slices}");
    }

    #[test]
    fn products_of_lines_and_waves_integrate_exactly() {
        let line = Law::line(3.0, 0.5);
        let (slow, fast) = (Law::wave(10.0, -4.0, 0.02, 0.3), Law::wave(2.0, 1.0, 5.0, 1.0));
        for law in [
            line.times(&line),
            line.times(&slow),
            line.times(&line).times(&fast),
            slow.times(&fast),
            slow.times(&slow),
            fast.times(&fast).plus(&line),
            slow.times(&fast).times(&line).scaled(0.1).faster(2.0),
        ] {
            for u_s in [0.1, 3.0, 20.0] {
                assert_integrates(&law, u_s);
            }
        }
    }

    #[test]
    fn slow_waves_do_not_cancel() {
        // u cos(w u) over one second with w = 1e-8: 0.5 to rounding; by parts nothing of it would be left.
        let term = Term { poly: vec![0.0, 1.0], omega: 1e-8, phase: 0.0 };
        assert!((term.integral(1.0) - 0.5).abs() < 1e-14);
        assert!((term.antiderivative(1.0) - term.antiderivative(0.0) - 0.5).abs() > 0.1);
    }

    #[test]
    fn both_integrals_agree_where_they_meet() {
        let term = Term { poly: vec![1.0, -2.0, 0.7], omega: 0.4999, phase: 0.9 };
        let by_parts = term.antiderivative(1.0) - term.antiderivative(0.0);
        assert!((term.slow_integral(1.0) - by_parts).abs() < 1e-13);
    }

    #[test]
    fn inversion_finds_the_time_even_where_the_rate_is_zero() {
        // Starts at rate 0, so Newton's first steps are of no use near the start.
        let law = Law::wave(5.0, -5.0, std::f64::consts::TAU, 0.0);
        for n in [0.0, 1e-12, 0.1, 2.5, 4.999_999, 5.0] {
            let u_s = law.time_between(n, (0.0, 0.0), (1.0, 5.0));
            assert!((0.0..=1.0).contains(&u_s));
            let (before, after) = (law.integral((u_s - 1e-7).max(0.0)), law.integral((u_s + 1e-7).min(1.0)));
            assert!(before <= n + 1e-12 && n <= after + 1e-12, "{n}: {before} .. {after} at {u_s}");
        }
    }
}
