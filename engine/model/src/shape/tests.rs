use super::*;

fn spike() -> Shape {
    Shape::Spike { base: 50.0, base_for_s: 240.0, peak: 500.0, peak_for_s: 60.0 }
}

fn square() -> Shape {
    Shape::Square { high: 200.0, high_for_s: 30.0, low: 10.0, low_for_s: 30.0 }
}

fn sine() -> Shape {
    Shape::Sine { low: 10.0, high: 200.0, period_s: 300.0 }
}

fn assert_near(left: f64, right: f64) {
    assert!((left - right).abs() <= 1e-9 * right.abs().max(1.0), "{left} against {right}");
}

#[test]
fn known_rates_and_totals() {
    assert_near(sine().rate_at(0.0), 10.0);
    assert_near(sine().rate_at(150.0), 200.0);
    assert_near(sine().take(300.0).total().unwrap(), 105.0 * 300.0);
    assert_near(square().rate_at(29.9), 200.0);
    assert_near(square().rate_at(30.0), 10.0);
    assert_near(square().take(300.0).total().unwrap(), 5.0 * 30.0 * 210.0);
    assert_near(spike().total().unwrap(), 50.0 * 240.0 + 500.0 * 60.0);
    let ramp = Shape::Ramp { from: 10.0, to: 100.0, duration_s: 60.0 };
    assert_near(ramp.total().unwrap(), 55.0 * 60.0);
    assert_near(ramp.rate_at(30.0), 55.0);
    let step = Shape::Step { from: 10.0, by: 10.0, every_s: 5.0, steps: 3 };
    assert_near(step.total().unwrap(), 5.0 * 60.0);
    assert_near(step.rate_at(5.0), 20.0);
    let saw = Shape::Sawtooth { low: 0.0, high: 10.0, period_s: 2.0 };
    assert_near(saw.integral(5.0), 2.0 * 10.0 + 2.5);
    assert_near(saw.rate_at(3.0), 5.0);
}

#[test]
fn stages_follow_their_targets_and_jump_where_a_stage_has_no_length() {
    let stage = |target, duration_s| Stage { target, duration_s };
    let shape =
        Shape::Stages { start: 0.0, stages: vec![stage(10.0, 10.0), stage(50.0, 0.0), stage(50.0, 4.0)] };
    assert_eq!(shape.duration_s(), Some(14.0));
    assert_near(shape.rate_at(5.0), 5.0);
    assert_near(shape.rate_at(10.0), 50.0);
    assert_near(shape.total().unwrap(), 50.0 + 200.0);
    assert_near(shape.time_of(50.0 + 100.0).unwrap(), 12.0);
}

#[test]
fn outside_there_is_nothing() {
    assert_eq!(spike().rate_at(-1.0), 0.0);
    assert_eq!(spike().rate_at(300.0), 0.0);
    assert_eq!(spike().integral(-1.0), 0.0);
    assert_eq!(spike().integral(1e9), spike().total().unwrap());
    assert_eq!(spike().time_of(42_000.1), None);
    assert_eq!(Shape::product(vec![sine(), square()]).integral(f64::INFINITY), f64::INFINITY);
    assert_eq!(Shape::Constant { rate: 0.0 }.time_of(1.0), None);
}

#[test]
fn a_squeezed_shape_keeps_its_rates_and_its_form() {
    let squeezed = spike().squeezed_to(60.0);
    assert_eq!(squeezed.duration_s(), Some(60.0));
    assert_near(squeezed.rate_at(47.9), 50.0);
    assert_near(squeezed.rate_at(48.1), 500.0);
    assert_near(squeezed.total().unwrap(), 42_000.0 / 5.0);
    assert_eq!(sine().squeezed_to(60.0).duration_s(), Some(60.0));
}

#[test]
fn scaling_multiplies_rates_and_leaves_time_alone() {
    let scaled = spike().scaled(0.1);
    assert_near(scaled.rate_at(250.0), 50.0);
    assert_eq!(scaled.duration_s(), Some(300.0));
    assert_near(scaled.total().unwrap(), 4_200.0);
}

#[test]
fn sums_outlast_and_products_end_with_the_first() {
    let (constant, short) = (Shape::Constant { rate: 2.0 }, Shape::Constant { rate: 3.0 }.take(1.0));
    let sum = Shape::sum(vec![constant.clone().take(4.0), short.clone()]);
    assert_eq!(sum.duration_s(), Some(4.0));
    assert_near(sum.total().unwrap(), 8.0 + 3.0);
    assert_near(sum.rate_at(2.0), 2.0);
    let product = Shape::product(vec![constant, short]);
    assert_eq!(product.duration_s(), Some(1.0));
    assert_near(product.total().unwrap(), 6.0);
}

#[test]
fn a_product_of_waves_has_the_integral_of_its_expansion() {
    // (m1 - a1 cos x)(m2 - a2 cos x) over one common period: m1 m2 + a1 a2 / 2 on average.
    let wave = |low, high| Shape::Sine { low, high, period_s: 10.0 };
    let product = Shape::product(vec![wave(0.0, 2.0), wave(1.0, 5.0)]).take(10.0);
    assert_near(product.total().unwrap(), 10.0 * (1.0 * 3.0 + 1.0 * 2.0 / 2.0));
}

#[test]
fn a_sampled_line_is_that_line() {
    let ramp = Shape::Ramp { from: 1.0, to: 7.0, duration_s: 3.0 };
    let sampled =
        Shape::Sampled { curve: Sampled::of(3.0, 31, |t_s| ramp.rate_at(t_s.min(2.999_999_999_999))) };
    for t_s in [0.0, 0.05, 1.5, 2.9] {
        assert!((sampled.rate_at(t_s) - ramp.rate_at(t_s)).abs() < 1e-9);
        assert!((sampled.integral(t_s) - ramp.integral(t_s)).abs() < 1e-9);
    }
    assert!((sampled.time_of(6.0).unwrap() - ramp.time_of(6.0).unwrap()).abs() < 1e-9);
}

#[test]
fn bursts_of_the_burst_scenario() {
    assert_eq!(spike().bursts(), [(240.0, 300.0)]);
    assert_eq!(square().take(120.0).bursts(), [(0.0, 30.0), (60.0, 90.0)]);
    assert_eq!(sine().take(300.0).bursts(), [(75.0, 225.0)]);
    assert_eq!(square().bursts(), [], "a shape without an end has none to list");
    assert_eq!(spike().squeezed_to(60.0).bursts(), [(48.0, 60.0)]);
    assert_eq!(Shape::Ramp { from: 1.0, to: 9.0, duration_s: 5.0 }.bursts(), []);
    assert_eq!(square().take(75.0).bursts(), [(0.0, 30.0), (60.0, 75.0)]);
}

#[test]
fn a_drawn_curve_bursts_above_half_way() {
    let stage = |target, duration_s| Stage { target, duration_s };
    let hill = Shape::Stages {
        start: 10.0,
        stages: vec![
            stage(10.0, 20.0),
            stage(110.0, 10.0),
            stage(110.0, 5.0),
            stage(10.0, 10.0),
            stage(10.0, 20.0),
        ],
    };
    let bursts = hill.bursts();
    assert_eq!(bursts.len(), 1);
    assert!((bursts[0].0 - 25.0).abs() < 1e-5 && (bursts[0].1 - 40.0).abs() < 1e-5, "{bursts:?}");
    let climb = Shape::Stages { start: 1.0, stages: vec![stage(10.0, 5.0), stage(20.0, 5.0)] };
    assert_eq!(climb.bursts(), []);
    let jump = Shape::sum(vec![square().take(90.0), Shape::Constant { rate: 5.0 }.take(60.0)]).bursts();
    assert!(
        jump.len() == 2 && jump[0].0 == 0.0 && (jump[0].1 - 30.0).abs() < 1e-5 && jump[1].1 == 90.0,
        "{jump:?}"
    );
}

#[test]
fn rounding_at_the_end_is_not_taken_for_silence() {
    let stages = vec![
        Stage { target: 60.0, duration_s: 0.236_301_485_075_748_44 },
        Stage { target: 5.0, duration_s: 7.264_404_358_913_794 },
    ];
    let shape = Shape::sum(vec![Shape::Stages { start: 45.0, stages }]);
    let (end_s, scale) = (shape.bursts()[0].1, 21.210_026_977_356_82 / shape.duration_s().unwrap());
    let squeezed = shape.squeezed_to(21.210_026_977_356_82).bursts();
    assert!((squeezed[0].1 - end_s * scale).abs() < 1e-5, "{squeezed:?} against {}", end_s * scale);
}

#[test]
fn calm_can_follow_anything() {
    let ramp = Shape::Ramp { from: 10.0, to: 100.0, duration_s: 10.0 };
    let followed = ramp.then_calm(5.0);
    assert_eq!((followed.duration_s(), followed.rate_at(12.0)), (Some(15.0), 10.0), "as it began");
    let followed = spike().then_calm(5.0);
    let end_s = spike().duration_s().unwrap();
    assert_eq!(followed.rate_at(end_s + 1.0), spike().rate_at(0.0), "as outside of the burst");
}

#[test]
fn a_burst_at_the_end_gets_its_calm_and_is_squeezed_with_it() {
    let tailed = spike().with_calm_tail(60.0);
    assert_eq!(tailed.duration_s(), Some(360.0));
    assert_near(tailed.rate_at(330.0), 50.0);
    let squeezed = tailed.squeezed_to(72.0);
    assert_eq!(squeezed.bursts(), [(48.0, 60.0)]);
    assert_near(squeezed.rate_at(66.0), 50.0);
    assert_eq!(sine().take(300.0).with_calm_tail(60.0), sine().take(300.0), "it ends calm already");
    let cut = square().take(90.0).with_calm_tail(20.0);
    assert_near(cut.rate_at(100.0), 10.0);
}

#[test]
fn every_problem_is_found_at_once_with_its_place() {
    let bad = Shape::sum(vec![
        Shape::Constant { rate: -5.0 },
        Shape::Stages { start: 0.0, stages: vec![] },
        Shape::product(vec![Shape::Sine { low: 9.0, high: 1.0, period_s: 0.0 }, Shape::sum(vec![])]),
    ]);
    let problems: Vec<String> = bad.validate().unwrap_err().0.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "sum[0].rate: -5 is negative; it must be 0 or more",
            "sum[1].stages: the list is empty; give at least one stage with a target and a duration",
            "sum[2].product[0].low: 9 is above high (1); exchange them",
            "sum[2].product[0].period: it is 0; it must be more than 0",
            "sum[2].product[1].sum: there is nothing in it; give at least one shape",
        ]
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |shape: Shape| shape.validate().unwrap_err().0[0].problem.clone();
    assert!(refused(Shape::Constant { rate: f64::NAN }).contains("not a number"));
    assert!(refused(Shape::Constant { rate: 1.0 }.then(spike())).contains("never ends"));
    assert!(refused(spike().squeezed_to(0.0)).contains("no time"));
    assert!(refused(Shape::Step { from: 1.0, by: -1.0, every_s: 1.0, steps: 3 }).contains("negative rate"));
    assert!(refused(Shape::Sampled { curve: Sampled::new(1.0, vec![1.0]) }).contains("at least 2"));
    assert!(refused(Shape::Sampled { curve: Sampled::new(1.0, vec![1.0, -2.0]) }).contains("negative"));
    let flat = Shape::Stages { start: 1.0, stages: vec![Stage { target: 2.0, duration_s: 0.0 }] };
    assert!(refused(flat).contains("no time at all"));
    assert_eq!(spike().with_calm_tail(60.0).squeezed_to(10.0).scaled(2.0).validate(), Ok(()));
}

#[test]
fn invalid_shapes_give_nonsense_but_never_hang_or_panic() {
    for shape in [
        Shape::Sine { low: 1.0, high: 2.0, period_s: 0.0 },
        Shape::Square { high: 1.0, high_for_s: 0.0, low: 1.0, low_for_s: 0.0 },
        Shape::Stages { start: 1.0, stages: vec![] },
        Shape::Sampled { curve: Sampled::new(0.0, vec![]) },
        Shape::Sampled { curve: Sampled::new(0.0, vec![1.0, 2.0, 3.0]) },
        Shape::Step { from: 1.0, by: 1.0, every_s: 0.0, steps: 4 },
        Shape::Constant { rate: -1.0 },
        Shape::Ramp { from: 1.0, to: 2.0, duration_s: 0.0 },
        Shape::Constant { rate: f64::NAN },
        Shape::Squeeze { shape: Box::new(spike()), factor: 0.0 },
        Shape::Squeeze { shape: Box::new(spike()), factor: f64::NAN },
        Shape::Ramp { from: 1.0, to: 2.0, duration_s: f64::NAN },
        Shape::Ramp { from: 1.0, to: 2.0, duration_s: -1.0 },
        Shape::sum(vec![]),
        Shape::product(vec![]),
    ] {
        let _ = (shape.rate_at(1.0), shape.integral(1.0), shape.time_of(0.5), shape.total(), shape.sample(5));
        let _ = shape.clone().take(3.0).bursts();
        let _ = shape.with_calm_tail(5.0).duration_s();
    }
}

#[test]
fn curves_for_drawing_cover_both_ends() {
    let curve = spike().sample(6);
    let rounded: Vec<(f64, f64)> = curve.into_iter().map(|(t, r)| (t, r.round())).collect();
    assert_eq!(
        rounded,
        [(0.0, 50.0), (60.0, 50.0), (120.0, 50.0), (180.0, 50.0), (240.0, 500.0), (300.0, 500.0)]
    );
    assert_eq!(sine().sample(3)[1], (150.0, 200.0));
    assert_eq!(Shape::Constant { rate: 3.0 }.sample(2), [(0.0, 3.0), (60.0, 3.0)]);
    assert!(spike().sample(0).is_empty());
}

#[test]
fn shapes_survive_json() {
    let shape =
        Shape::sum(vec![sine(), square(), Shape::Sampled { curve: Sampled::new(1.0, vec![1.0, 2.0]) }])
            .take(90.0)
            .then(spike())
            .squeezed_to(10.0)
            .scaled(2.0);
    let text = serde_json::to_string(&shape).unwrap();
    assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
}
