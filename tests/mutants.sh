#!/usr/bin/env bash
# Breaks the crate in one place at a time, in a copy, and asks whether a test notices.
#   tests/mutants.sh           all of them, some twenty seconds each
#   tests/mutants.sh GRU mask  those whose name has one of these words
#   tests/mutants.sh --places  runs none, and says which no longer find their place
# A line is: name | file in src | Perl substitutions, with `; ` between them. One that no longer finds its place is an
# error, so that the list stays honest when the code moves.
set -euo pipefail
cd "$(dirname "$0")/.."

MUTANTS='
LSTM: gates i and f swapped | kernel/steps/lstm.rs | s/let \(i, f, g, o\) = /let (f, i, g, o) = /
LSTM: gates c and o swapped | kernel/steps/lstm.rs | s/let \(i, f, g, o\) = /let (i, f, o, g) = /
LSTM: the output does not pass the activation | kernel/steps/lstm.rs | s/\.mul\(of\.out\(c\)\)/.mul(c)/g
LSTM: the memory passes no output activation of its own | kernel/steps/functions.rs | s/call\(self\.out, x\)/call(self.act, x)/
LSTM: peepholes i and f swapped | kernel/steps/lstm.rs | s/seen\(0, sums\[0\], c,/seen(1, sums[0], c,/
LSTM: the output gate sees the old memory | kernel/steps/lstm.rs | s/let c = f\.mul_add\(c, i\.mul\(of\.act\(sums\[2\]\)\)\);/let old = c; let c = f.mul_add(c, i.mul(of.act(sums[2])));/; s/seen\(2, sums\[3\], c,/seen(2, sums[3], old,/
LSTM: coupled gates are not coupled | kernel/steps/lstm.rs | s/if variant\.input_forget/if false \&\& variant.input_forget/
LSTM: the clip reaches the memory | kernel/steps/functions.rs | s/call\(self\.out, x\)/call(self.out, self.clipped(x))/
cells: clip ignored | kernel/steps/functions.rs | s/let Some\(clip\) = self\.clip else/let Some(clip) = self.clip.filter(|_| false) else/
LSTM: the forget bias stays at its initialiser | cell/lstm.rs | s/if self\.unit_forget_bias \{/if false {/
GRU: gates z and r swapped | kernel/steps/gru.rs | s/let \(z, reset, inner\) = /let (reset, z, inner) = /
GRU: z and r swapped without reset_after | kernel/steps/gru.rs | s/let \(z, reset\) = /let (reset, z) = /
GRU: z and 1 - z swapped | kernel/steps/gru.rs | s/z\.mul_add\(h, (.*?)\.mul\(g\)\)/z.mul_add(g, $1.mul(h))/
GRU: r multiplies the input, not the state | kernel/steps/gru.rs | s/mul_add\(inner, input\)/mul_add(input, inner)/
GRU: the second bias row dropped from the gates | cell/gru.rs | s/gates \+= &bias\.slice\(s!\[1, \.\.2 \* units\]\);/let _ = \&mut gates;/
GRU: the bias rows of the candidate swapped | cell/gru.rs | s/\*inner = pack\(bias\.row\(1\)\)/*inner = pack(bias.row(0))/
Layout: biases stay in their order | cell/layout.rs | s/Ok\(picked\.map\(\|k\| bias\[k\]\)\.collect\(\)\)/{ drop(picked); Ok(bias.to_owned()) }/
Layout: the bias of the update gate is not negated | cell/layout.rs | s/mapv_inplace\(\|b\| -b\)/mapv_inplace(|b| b)/
Layout: a gate that is there twice | cell/layout.rs | s/filter\(\|order\| order\.len\(\) == self\.gates\.chars\(\)\.count\(\)\)/filter(|_| true)/
Layout: the two biases swapped | cell/layout.rs | s/zip\(&self\.biases\)/zip(self.biases.iter().rev())/
PadSequences: the start is kept | model/pad_sequences.rs | s/Side::Pre => len - kept\.\.len,/Side::Pre => 0..kept,/
PadSequences: padding at the start taken from the end | model/padded.rs | s/Side::Pre => timesteps - length\.\.timesteps,/Side::Pre => 0..length,/
SimpleRNN: the bias dropped | cell/simple_rnn.rs | s/\(&self\.kernel, self\.bias\.as_ref\(\)\)/(\&self.kernel, None)/
kernel: masked samples take the step | kernel/steps/workspace.rs | s/match active\.rows\(\) \{\n(\s*)None => mem::swap/match None::<&[usize]> {\n$1None => mem::swap/
kernel: steps that go through read the first input again | kernel/steps/step.rs | s/\*x = x\.wrapping_offset\(\*apart\)/{ let _ = (x, apart); }/
kernel: steps that go through read the first projected input again | kernel/steps/step.rs | s/\*z = z\.wrapping_add\(\*len\)/{ let _ = (z, len); }/
kernel: of steps that go through, an odd number leaves the old state | kernel/steps/workspace.rs | s/through\.outputs\.is_none\(\) && through\.steps % 2 == 1/through.outputs.is_none() \&\& through.steps % 2 == 0/
kernel: the last row of the weights is left out | kernel/packed/accumulate.rs | s/for k in 0\.\.depth \{/for k in 0..depth.max(1) - 1 {/
kernel: the last half of a vector goes to other units | kernel/steps/row.rs | s/let first = at\(P \+ h\) \* of_units;/let first = (at(P + h) * of_units).saturating_sub(V::Half::LANES);/
kernel: the projection forgets the bias | kernel/packed/project.rs | s/from: bias\(self\.bias, at\)/from: bias(None, at)/
kernel: a square one transposed | kernel/packed/panels.rs | s/let slice = from\.to_slice\(\);/let slice: Option<\&[A]> = None; let _ = from.to_slice();/; s/to\.write\(from\[i\]\)/to.write(if rows == units { matrix[[i % units, i \/ units * units + row]] } else { from[i] })/
kernel: gates interleaved | kernel/packed/panels.rs | s/let slice = from\.to_slice\(\);/let slice: Option<\&[A]> = None; let _ = from.to_slice();/; s/to\.write\(from\[i\]\)/to.write(matrix[[row, i % units * panels.gates + i \/ units]])/
activation: the hard sigmoid of Keras 3 is that of Keras 2 | activation.rs | s|alpha: 1\.0 / 6\.0|alpha: 0.2|
mask: ignored | unroll.rs | s/rows\.choose_by\(pass\.mask\.as_ref\(\), t\)/rows.choose_by(None, t)/
mask: read forwards in a backwards pass | unroll.rs | s/rows\.choose_by\(pass\.mask\.as_ref\(\), t\)/rows.choose_by(pass.mask.as_ref(), time(t))/
through: outputs of one sample in reading order | unroll.rs | s/keep_steps\(outputs, first\.\.end, pass\.backwards != pass\.reversed\)/keep_steps(outputs, first..end, false)/
through: a backwards pass reads forwards | unroll.rs | s/keep_steps\(&mut x, first\.\.end, pass\.backwards\)/keep_steps(\&mut x, first..end, false)/
through: the state is that before the steps | cell/builder.rs | s/state\.h\.row_mut\(0\)\.assign\(&outputs\.row\(steps - 1\)\);/let _ = outputs;/
mask: the first masked steps give h0 | mask.rs | s/\(self\.started\[row\] && !zero_output_for_mask\)/!zero_output_for_mask/
mask: masked steps are always 0 | mask.rs | s/\|\| \(self\.started\[row\] && !zero_output_for_mask\)/|| (false && !zero_output_for_mask)/
mask: zero_output_for_mask ignored | mask.rs | s/self\.started\[row\] && !zero_output_for_mask/self.started[row] && (!zero_output_for_mask || true)/
mask: lengths off by one | mask.rs | s/t < lengths\[row\]/t <= lengths[row]/
last: state.h instead of the last appended output | unroll.rs | s/            rows\.append\(\n                cell\.output\(state\),\n                pass\.zero_output_for_mask,\n                last\.view_mut\(\),\n            \);/            last.assign(&cell.output(state));/
go_backwards: outputs in time order | run.rs | s/reversed: go_backwards && !in_time_order/reversed: false \&\& !in_time_order/
in_time_order: ignored | run.rs | s/reversed: go_backwards && !in_time_order/reversed: go_backwards \&\& (!in_time_order || true)/
time_major: the mask is not turned | run.rs | s/mask\.swap_axes\(0, 1\)/let _ = mask/
from: the state is not used | run.rs | s/self\.from = Some\(state\)/let _ = state/
Bidirectional: zero_output_for_mask reaches `last` | wrap/bidirectional.rs | s/zero_output_for_mask: sequences,/zero_output_for_mask: sequences || true,/
Bidirectional: keeps the zero_output_for_mask of the call | wrap/bidirectional.rs | s/zero_output_for_mask: sequences,/zero_output_for_mask: pass.zero_output_for_mask \&\& (sequences || true),/
Bidirectional: backward outputs in processing order | wrap/bidirectional.rs | s/backwards: !pass\.backwards,/backwards: !pass.backwards, reversed: !pass.reversed,/
Bidirectional: directions swapped in the output | wrap/bidirectional.rs | s/Sink::Last\(f\), Sink::Last\(b\)/Sink::Last(b), Sink::Last(f)/
Stacked: turned twice | wrap/stacked.rs | s/reversed: false,/reversed: pass.reversed,/
Stacked: the lower layer sees no mask | wrap/stacked.rs | s/reversed: false,/reversed: false, mask: None,/
Session: reset keeps the state | session.rs | s/(pub fn reset\(&mut self\) \{\n        self\.is_stepped = false;\n        )self\.kept = None;/$1let _ = \&self.kept;/
Session: forgets between calls | session.rs | s/self\.run\(x\)\.keeping\(kept\)\.output\(\)/{ *kept = None; self.run(x).keeping(kept).output() }/
Stream: a reset sample repeats its old output | stream.rs | s/(copy_sample\(row, &self\.fresh, 0\)\?;\n\s*)self\.rows\.restart\(row\);/$1/g
Masking: a step is masked if any feature has the value | nn/masking.rs | s/step\.iter\(\)\.any\(/step.iter().all(/
Masking: masked steps keep their values | nn/masking.rs | s/step\.fill\(A::zero\(\)\)/let _ = \&mut step/
Embedding: mask_zero ignored | nn/embedding.rs | s/self\.mask_zero\.then\(/(self.mask_zero \&\& false).then(/
RepeatVector: lets a mask through | nn/repeat_vector.rs | s/mask: None/mask: input.mask/
Conv1d: the odd step of same padding lies before | nn/padding.rs | s/saturating_sub\(timesteps\) \/ 2/saturating_sub(timesteps).div_ceil(2)/
Conv1d: causal windows end one step later | nn/padding.rs | s/before: size - 1,/before: size.max(2) - 2,/
Filters: dilation_rate ignored | nn/filters.rs | s/tap \* of\.dilation_rate/tap/
Filters: strides ignored | nn/filters.rs | s/move \|i\| i \* of\.strides/move |i| i/
Filters: the padding before the rows left out | nn/filters.rs | s/lines\.skip\(rows\.windows\.before\)/lines.skip(0)/
Filters: the first group reads for all | nn/filters.rs | s/&x\[group \* self\.group_features\(\)\.\.\]/{ let _ = group; x }/
Pool: the padding counts | nn/pool.rs | s/self\.rows\(of_window, y\);/self.rows(of_window.chain((0..rows.windows.before).map(|_| \&x[..features])), y);/
Conv1d: a step forgets its input | nn/conv1d_steps.rs | s/past\.push\(&input\.numbers\);/let _ = past;/
Pooling1d: windows side by side whatever the strides | nn/slide.rs | s/let from = window \* self\.strides;/let from = window * self.size;/
GlobalPooling1d: the average reads masked timesteps | nn/global_pooling1d.rs | s/self\.forward_masked\(&x, mask\)\?/{ let _ = mask; GlobalPooling1d::forward(self, &x)? }/
BatchNormalization: epsilon outside of the root | nn/batch_normalization.rs | s/\(v \+ epsilon\)\.sqrt\(\)/(v.sqrt() + epsilon)/
BatchNormalization: drops the mask | nn/batch_normalization.rs | s/mask: input\.mask/mask: None/
LayerNormalization: another epsilon | nn/layer_normalization.rs | s/epsilon: 1e-3/epsilon: 1e-5/
Attention: a causal query looks one ahead | nn/attention.rs | s/self\.causal && j > i /self.causal \&\& j > i + 1 /
Attention: masked queries give an output | nn/attention.rs | s/query_mask\.is_some_and\(\|mask\| !mask/query_mask.is_some_and(|mask| false \&\& !mask/
MultiHeadAttention: scores without their scale | nn/multi_head_attention.rs | s/score \* inverse/score/
MultiHeadAttention: the mask of the query is not read | nn/multi_head_attention.rs | s/real\(self\.query, i\)/true/
Dot: vectors of any length | nn/dot.rs | s/x \* inverse/x/
Normalization: by the variance | nn/normalization.rs | s/v\.sqrt\(\)/v/
LayerNorm: the cell state is not normalised | cell/layer_norm.rs | s/self\.normalise\(c, /self.normalise(\&mut [], /
Merge: masked timesteps count in a product | nn/merge.rs | s/row\.fill\(A::one\(\)\)/{ let _ = row; }/g
Concatenate: an input without a mask is masked | nn/concatenate.rs | s/\(samples, timesteps\), features > 0\)/(samples, timesteps), false)/
ZeroPadding1d: sides swapped | nn/zero_padding1d.rs | s/self\.before\.\.self\.before \+ timesteps/self.after..self.after + timesteps/
Cropping1d: sides swapped | nn/cropping1d.rs | s/self\.before\.\.self\.before \+ left/self.after..self.after + left/
UpSampling1d: repeats the sequence, not its timesteps | nn/up_sampling1d.rs | s/t \/ self\.size/t % timesteps/
Permute: the other way around | nn/permute.rs | s/permuted_axes\(IxDyn\(&order\)\)/permuted_axes(IxDyn(\&(0..axes).map(|i| order.iter().position(|\&o| o == i).unwrap_or(0)).collect::<Vec<_>>()))/
Softmax: always over the last axis | nn/softmax.rs | s/let axis = place\(self\.axis, y\.ndim\(\)\)\?/let axis = y.ndim() - 1/
TimeDistributed: drops the mask | nn/time_distributed.rs | s/mask: input\.mask/mask: None/
Model: a recurrent layer drops the mask | model/recurrent.rs | s/input\.mask\.filter\(\|_\| self\.returns\(\)\.sequences\)/input.mask.filter(|_| false)/
Keras files: the hard sigmoid of old gates is that of Keras 3 | load/keras/version.rs | s/Some\(Activation::HARD_SIGMOID_KERAS2\)/Some(Activation::HARD_SIGMOID)/
Keras files: hard_sigmoid is always that of Keras 2 | load/keras/version.rs | s/if self\.major\(\) < 3 \{/if self.major() < 9 {/
Keras files: old GRUs reset after the product | load/keras/version.rs | s/=> Some\(false\)/=> Some(true)/
Keras files: go_backwards ignored | load/keras/layers/recurrent.rs | s/\.go_backwards\(self\.go_backwards\)/.go_backwards(false)/
Keras files: zero_output_for_mask ignored | load/keras/layers/recurrent.rs | s/\.zero_output_for_mask\(self\.zero_output_for_mask\)/.zero_output_for_mask(false)/
PyTorch: gates r and z of a GRU not swapped | load/torch/file.rs | s/= \[1, 0, 2\];/= [0, 1, 2];/
PyTorch, ONNX: the second bias dropped | load/torch/rows.rs | s/Some\(input \+ state\)/{ let _ = state; Some(input.clone()) }/
ONNX: gates of an LSTM as in PyTorch | load/onnx/cells.rs | s/= \[0, 2, 3, 1\];/= [0, 1, 2, 3];/
ONNX: peepholes i, f, o read as i, o, f | load/onnx/cells.rs | s/= \[0, 2, 1\];/= [0, 1, 2];/
ONNX: clip ignored | load/onnx/options.rs | s/options\.clip = Some\(f64::from\(\*clip\)\);/{}/
ONNX: linear_before_reset ignored | load/onnx/cells.rs | s/let reset_after = self\.options\.linear_before_reset;/let reset_after = true;/
ONNX: a reversed layer reads forwards | load/from_layers.rs | s/\.go_backwards\(way\.reverse\)/.go_backwards(false)/
Amp: the gain before the layers scales knobs, too | load/amp/chain.rs | s/gains\[0\] = A::from_f64\(gain\);/gains.fill(A::from_f64(gain));/
Amp: the input goes past without its gain | load/amp/chain.rs | s/chain\.input = chain\.end;//
Amp: a convolution looks ahead | load/amp/rtneural.rs | s/Padding::Causal\)/Padding::Same)/
Amp: h and c of the initial state swapped | load/amp/nam.rs | s/LstmState \{ h, c \}/LstmState { h: c, c: h }/
Amp: modules in the order of the alphabet | load/amp/state_dict.rs | s/modules\.sort\(\);/modules.sort_by(|a, b| a.1.cmp(\&b.1));/
saved: the directions swapped | wrap/bidirectional.rs | s/forward: from\.layer\("forward"\)/forward: from.layer("backward")/; s/backward: from\.layer\("backward"\)/backward: from.layer("forward")/
saved: the activation of the gates is the other one | cell/gru.rs | s/"recurrent_activation", &functions\.gate/"recurrent_activation", \&functions.act/
train: SGD: Keras’ rate outside of the velocity | train/optimizer/sgd.rs | s/\*v = momentum \* \*v - step;/*v = momentum * *v - g;/; s/momentum \* \*v - step\n(\s*)\} else \{\n\s*\*v\n/momentum * *v * rate - step\n$1} else {\n rate * *v\n/
train: SGD: Nesterov ignored in Keras | train/optimizer/sgd.rs | s/\*w \+= if self\.nesterov/*w += if false \&\& self.nesterov/
train: SGD: Nesterov ignored in PyTorch | train/optimizer/sgd.rs | s/let step = if self\.nesterov/let step = if false \&\& self.nesterov/
train: SGD: dampening ignored | train/optimizer/sgd.rs | s/1\.0 - self\.dampening/1.0/
train: SGD: the first gradient dampened | train/optimizer/sgd.rs | s/if now\.is_first/if false \&\& now.is_first/
train: SGD: PyTorch’s rate inside of the velocity | train/optimizer/sgd.rs | s/\+ dampened \* g;/+ dampened * rate * g;/; s/\*w -= rate \* step;/*w -= step;/
train: RMSprop: Keras’ epsilon outside of the root | train/optimizer/rmsprop.rs | s/\(square \+ epsilon\)\.sqrt\(\)/(square.sqrt() + epsilon)/
train: RMSprop: PyTorch’s epsilon inside of the root | train/optimizer/rmsprop.rs | s/\(square\.sqrt\(\) \+ epsilon\)/(square + epsilon).sqrt()/
train: RMSprop: not centred | train/optimizer/rmsprop.rs | s/square - mean\[i\] \* mean\[i\]/square - mean[i] * A::zero()/
train: RMSprop: a variance below zero | train/optimizer/rmsprop.rs | s/(\(square - mean\[i\] \* mean\[i\]\))\.max\(A::zero\(\)\)/$1/
train: RMSprop: momentum ignored | train/optimizer/rmsprop.rs | s/step \+= momentum \* moved\[i\];/let _ = momentum;/
train: RMSprop: PyTorch’s rate inside of the momentum | train/optimizer/rmsprop.rs | s/Dialect::Torch => g \//Dialect::Torch => rate * g \//; s/Dialect::Torch => rate \* step/Dialect::Torch => step/
train: Adam: Keras’ epsilon beside the corrected root | train/optimizer/adam.rs | s/Dialect::Keras => \(root, 1\.0\)/Dialect::Keras => (1.0, root)/
train: Adam: PyTorch’s epsilon beside the uncorrected root | train/optimizer/adam.rs | s/Dialect::Torch => \(1\.0, root\)/Dialect::Torch => (root, 1.0)/
train: Adam: epsilon ignored | train/optimizer/adam.rs | s/ \/ root \+ epsilon/ \/ root + epsilon * A::zero() + A::min_positive_value()/
train: Adam: m not corrected | train/optimizer/adam.rs | s/\(1\.0 - pow\(self\.beta_1, t\)\)/(1.0 - 0.0 * pow(self.beta_1, t))/
train: Adam: amsgrad ignored | train/optimizer/adam.rs | s/square = square\.max\(largest\[i\]\);//
train: Adam: PyTorch’s updates counted together | train/optimizer/engine.rs | s/if rule\.counts_apart\(\)/if false \&\& rule.counts_apart()/
train: Adam: Keras’ updates counted apart | train/optimizer/engine.rs | s/if rule\.counts_apart\(\)/if true || rule.counts_apart()/
train: Adam: AdamW of Keras decays as PyTorch’s | train/optimizer/adam.rs | s/Decoupled\(0\.004\)/Decoupled(0.01)/
train: Nadam: the share of the next update is that of this | train/optimizer/nadam.rs | s/self\.share\(now\.t \+ 1\)/self.share(now.t)/
train: Nadam: the product is a power | train/optimizer/nadam.rs | s/now\.product \* next/pow(self.beta_1, now.t as f64 + 1.0)/
train: Nadam: v not corrected | train/optimizer/nadam.rs | s/let correction = 1\.0 - pow/let correction = 1.0 - 0.0 * pow/
train: Adagrad: starts at 0 in Keras | train/optimizer/adagrad.rs | s/initial_accumulator_value: 0\.1/initial_accumulator_value: 0.0/
train: Adagrad: the start ignored | train/optimizer/adagrad.rs | s/start: self\.initial_accumulator_value/start: 0.0/
train: Adagrad: Keras’ epsilon outside of the root | train/optimizer/adagrad.rs | s/\(\*v \+ epsilon\)\.sqrt\(\)/(v.sqrt() + epsilon)/
train: Adagrad: PyTorch’s epsilon inside of the root | train/optimizer/adagrad.rs | s/v\.sqrt\(\) \+ epsilon/(*v + epsilon).sqrt()/
train: Adagrad: lr_decay ignored | train/optimizer/adagrad.rs | s/as f64 \* self\.lr_decay/as f64 * 0.0/
train: Adadelta: no epsilon above | train/optimizer/adadelta.rs | s/\(\*a \+ epsilon\)\.sqrt\(\)/a.sqrt()/
train: Adadelta: epsilon outside of the root below | train/optimizer/adadelta.rs | s/\(\*v \+ epsilon\)\.sqrt\(\)/(v.sqrt() + epsilon)/
train: Adadelta: the average of steps has the rate in it | train/optimizer/adadelta.rs | s/rest \* \(d \* d\)/rest * (d * d * rate * rate)/
train: Adamax: m not corrected | train/optimizer/adamax.rs | s/\(1\.0 - pow/(1.0 - 0.0 * pow/
train: Adamax: epsilon ignored | train/optimizer/adamax.rs | s/\(\*u \+ epsilon\)/(*u + epsilon * A::zero() + A::min_positive_value())/
train: Adamax: the largest gradient does not decay | train/optimizer/adamax.rs | s/\(beta_2 \* \*u\)/(*u)/
train: Lion: the momentum moves first | train/optimizer/lion.rs | s/(\s*\*w -= rate[^;]*;)(\s*\*m = [^;]*;)/$2$1/
train: Lion: a step at zero | train/regularizer.rs | s/if x == A::zero\(\) \{ x \} else \{ x\.signum\(\) \}/x.signum()/
train: Ftrl: shrinkage ignored | train/optimizer/ftrl.rs | s/g \+ shrinkage \* \*w/g + shrinkage * *w * A::zero()/
train: Ftrl: beta ignored | train/optimizer/ftrl.rs | s/ \+ self\.beta \/ now\.rate;/;/
train: Ftrl: l1 ignored | train/optimizer/ftrl.rs | s/z\.max\(-l1\)\.min\(l1\)/A::zero() * l1/
train: Ftrl: l2 not doubled | train/optimizer/ftrl.rs | s/2\.0 \* self\.l2_reg/self.l2_reg/
train: Ftrl: the power is a half | train/optimizer/ftrl.rs | s/A::from_f64\(pow\(n\.as_f64\(\), -power\)\)/{ let _ = (power, pow); n.sqrt() }/
train: Ftrl: the squares have shrinkage in them | train/optimizer/ftrl.rs | s/let sum = \*n \+ g \* g;/let s = g + shrinkage * *w; let sum = *n + s * s;/
train: Clip: Keras’ global norm as PyTorch’s | train/clip.rs | s/\(limit \/ norm\(each\.fold\(0\.0, add\)\)\?\)/(limit \/ (norm(each.fold(0.0, add))? + 1e-6))/
train: Clip: PyTorch’s global norm as Keras’ | train/clip.rs | s/\? \+ 1e-6\)/?)/
train: Clip: small arrays grow to the norm | train/clip.rs | s/norm\(squares\)\?\.max\(limit\)/norm(squares)?/; s/if factor < 1\.0/if factor.is_finite()/
train: Clip: values are clipped from above only | train/clip.rs | s/g\.max\(low\)\.min\(high\)/{ let _ = low; g.min(high) }/
train: rate: staircase ignored | train/rate.rs | s/if self\.staircase/if false \&\& self.staircase/
train: rate: a boundary belongs to what is behind | train/rate.rs | s/step > end/step >= end/
train: rate: the cosine falls during the warm-up | train/rate.rs | s/\(step - warmup_steps\)\.min/step.min/
train: rate: the warm-up starts at 0 | train/rate.rs | s/initial \+ \(start - initial\) \*/start */
train: rate: alpha ignored | train/rate.rs | s/\(1\.0 - self\.alpha\) \* falling \+ self\.alpha/falling/
train: rate: the cosine rises again | train/rate.rs | s/\.min\(self\.decay_steps\)//
train: penalty: L2 halved | train/regularizer.rs | s/self\.l2 \* squares/0.5 * self.l2 * squares/
train: penalty: the gradient of L2 halved | train/regularizer.rs | s/2\.0 \* self\.l2/self.l2/
train: penalty: the gradient is not added | train/regularizer.rs | s/\*g = \*g \+ l1/*g = l1/
train: constraint: nothing added to the norm | train/constraint.rs | s/EPSILON: f64 = 1e-7/EPSILON: f64 = 0.0/
train: constraint: the rate ignored | train/constraint.rs | s/rate \* norm\.clamp\(min, max\) \+ \(1\.0 - rate\) \* norm/{ let _ = rate; norm.clamp(min, max) }/
train: constraint: small norms stay | train/constraint.rs | s/norm\.clamp\(min, max\)/{ let _ = min; norm.min(max) }/
train: constraint: the first axis only | train/constraint.rs | s/for axis in axes \{/for axis in axes.into_iter().take(1) {/
train: EMA: the first average starts at the weight before | train/average.rs | s/if t > 1 \{ self\.momentum \} else \{ 0\.0 \}/{ let _ = t; self.momentum }/
train: EMA: overwritten one update late | train/average.rs | s/t\.is_multiple_of/(t - 1).is_multiple_of/
train: order: weights decay after the update | train/optimizer/engine.rs | s/(        match decay \{.*?\n        \}\n)(.*?rule\.update\(&now, w, g, &mut slots\);\n        \}\n)/$2$1/s
train: order: averages see the constraint | train/optimizer/engine.rs | s/(        if let Some\(ema\) = self\.options\.ema \{.*?\n        \}\n)(        if let Some\(constraint\) = constraint \{.*?\n        \}\n)/$2$1/s
train: order: each gradient is clipped, not their mean | train/optimizer/engine.rs | s/sums\.push\(self\.sum\(target\)\?\);/let mut sum = self.sum(target)?; if let Some(clip) = self.options.clip { clip.apply_to(Vec::from([\&mut sum]))?; } sums.push(sum);/
train: order: the sum is clipped, not the mean | train/optimizer/engine.rs | s/(        if steps > 1 \{.*?\n        \}\n)(        if let Some\(clip\) = self\.options\.clip \{.*?\n        \}\n)/$2$1/s
train: engine: the sum of the gradients in place of the mean | train/optimizer/engine.rs | s/\*sum \/= steps/{ let _ = (sum, steps); }/
train: engine: a schedule sees the next step | train/optimizer/engine.rs | s/self\.learning_rate\.at\(calls\)/self.learning_rate.at(calls + 1)/
train: engine: a schedule counts updates | train/optimizer/engine.rs | s/self\.learning_rate\.at\(calls\)/{ let _ = calls; self.learning_rate.at(self.step) }/
train: engine: decay without the rate | train/optimizer/engine.rs | s/A::from_f64\(decay \* rate\)/A::from_f64(decay)/
train: engine: coupled decay is decoupled | train/optimizer/engine.rs | s/\*g \+= decay \* w/{ let _ = (g, decay, w); }/
train: engine: the decay of a group has the rate of all | train/optimizer/engine.rs | s/let rate = rate \* factor;/let all = rate; let rate = rate * factor;/; s/decay \* rate\)/decay * all)/
train: engine: excluded weights decay | train/optimizer/builder.rs | s/_ if self\.undecayed\.iter\(\)\.any/_ if false \&\& self.undecayed.iter().any/
train: engine: the sum stays after an update | train/optimizer/engine.rs | s/        kept\.sum = None;\n//
train: engine: weights that moved before an error stay | train/optimizer/engine.rs | s/owner\.set\(path, before\);/let _ = (path, before);/
train: engine: gradients that are not finite are taken | train/optimizer/weight.rs | s/check_finite\("gradient", &path, gradient\)\?;//
train: engine: weights that are not finite are made | train/optimizer/engine.rs | s/check_finite\("updated weight", &path, &after\)\?;//
train: engine: slots that are not finite are made | train/optimizer/engine.rs | s/check_finite\("updated slot", &path, slot\)\?;/let _ = slot;/
train: engine: a gradient of another shape is taken | train/optimizer/weight.rs | s/check_shape\("gradient", &path, array\.shape\(\), gradient\.shape\(\)\)\?;//
train: engine: a gradient without a weight is passed over | train/optimizer/weight.rs | s/match left\.keys\(\)\.next\(\)/match None::<\&str>/
train: engine: numbers lie in the order of the gradient | train/optimizer/engine.rs | s/Ok\(row_major\(sum\)\)/Ok(sum)/
train: state: the product is not resumed | train/optimizer/state.rs | s/        self\.product = state\.product;\n//
train: state: the count is not resumed | train/optimizer/state.rs | s/        self\.accumulated = state\.accumulated;\n//
train: state: the updates of a weight are not resumed | train/optimizer/state.rs | s/            updates,\n            \.\.Kept::default/            updates: updates.min(1),\n            ..Kept::default/
train: plateau: a pause is not counted down | train/plateau.rs | s/self\.cooling -= 1;/self.cooling -= 0;/
Loss: the squared error keeps half its slope | train/loss/difference.rs | s/\(e \* e, 2\.0 \* e\)/(e * e, e)/
Loss: the absolute error has a slope at 0 | train/loss/difference.rs | s/        e\n    \}\n\}/        e + 1.0\n    }\n}/
Loss: Huber forgets the half of delta | train/loss/difference.rs | s/e\.abs\(\) - 0\.5 \* delta/e.abs() - delta/
Loss: the slope of Huber is 1 outside | train/loss/difference.rs | s/delta \* sign\(e\)\)/sign(e))/
Loss: SmoothL1 is Huber | train/loss/difference.rs | s|\(value / beta, slope / beta\)|(value, slope)|
Loss: log-cosh forgets ln 2 | train/loss/difference.rs | s/ - core::f64::consts::LN_2//
Loss: rows are summed, not averaged | train/loss/row.rs | s|    sum / count\n|    sum\n|
Loss: the gradient of a row is summed, not averaged | train/loss/row.rs | s|slope \* \(scale / count\)|slope * scale|
Loss: another epsilon | train/loss/row.rs | s/EPSILON: f64 = 1e-7/EPSILON: f64 = 1e-8/
Loss: clipped to 1 | train/loss/row.rs | s/below\(1\.0 - Self::EPSILON\)/below(1.0)/
Loss: a gradient through what is clipped | train/loss/row.rs | s/if clipped \{ 0\.0 \}/if clipped \&\& false { 0.0 }/
Loss: no gradient at the ends | train/loss/row.rs | s/p < Self::EPSILON \|\| p > self\.high/p <= Self::EPSILON || p >= self.high/
Loss: 0 times an infinity | train/loss/row.rs | s/if factor == 0\.0 \{ 0\.0 \}/if factor.is_nan() { 0.0 }/
Loss: binary smoothing as of classes | train/loss/binary.rs | s/0\.5 \* self\.label_smoothing/self.label_smoothing/
Loss: pos_weight falls on the negatives | train/loss/binary.rs | s/\(weight \* y, 1\.0 - y\)/(y, weight * (1.0 - y))/
Loss: pos_weight of the first output for all | train/loss/binary.rs | s/each\[column % each\.len\(\)\]/each[0]/
Loss: categorical smoothing as of yes and no | train/loss/categorical.rs | s|smooth / p\.len\(\) as f64|0.5 * smooth|
Loss: probabilities are not divided by their sum | train/loss/categorical.rs | s/let sum: f64 = p.*?;/let sum = 1.0_f64;/
Loss: no gradient through that sum | train/loss/categorical.rs | s/\(slope\(k\) - common\)/slope(k)/
Loss: the gradient of scores where y does not sum to 1 | train/loss/categorical.rs | s/let softmax = Softmax::of\(p, room\);/let softmax = Softmax::of(p, room); let total: f64 = (0..p.len()).map(y).sum();/; s/softmax\.probability\(room\[k\]\) - y\(k\)/softmax.probability(room[k]) * total - y(k)/
Loss: clipped probabilities do not sum to 1 again | train/loss/sparse.rs | s/libm::log\(sum\) - libm::log/-libm::log/
Loss: nor in their gradient | train/loss/sparse.rs | s|1\.0 / sum - own|-own|
Loss: class weights fall on the true class only | train/loss/sparse.rs | s/\* self\.weight\(k\)/* self.weight(class)/
Loss: PyTorch divides by the number | train/loss/evaluate.rs | s/share: Some\(.*?\),\n/share: None,\n/
Loss: ignored classes count | train/loss/evaluate.rs | s/ignored: sparse\.ignore_class\.map\(\|_\| &ignores as _\)/ignored: sparse.ignore_class.filter(|_| false).map(|_| \&ignores as _)/
Loss: class weights by the last of equals | train/loss/evaluate.rs | s/row\[k\] > row\[best\]/row[k] >= row[best]/
Loss: the losses of PyTorch are of rows | train/loss/evaluate.rs | s/self\.is_torch && matches!\(self\.kind, Kind::Diff/!self.is_torch \&\& self.is_torch \&\& matches!(self.kind, Kind::Diff/
Loss: KL with p in front | train/loss/kl.rs | s|value \+= y \* libm::log\(y / clip\.of\(p\)\)|value += clip.of(p) * libm::log(y / clip.of(p))|
Loss: KL does not clip the true values | train/loss/kl.rs | s/clip\.of\(y\[k\]\.as_f64\(\)\)/y[k].as_f64()/
Loss: the mean divides by the weights | train/loss/batch.rs | s/Reduction::Mean => divisor/Reduction::Mean => weights.iter().sum()/
Loss: masked losses count in the mean | train/loss/batch.rs | s/\(0\.\.count\)\.filter\(\|&i\| weights\[i\] != 0\.0\)/0..count/
Loss: weights divide as they are spread | train/loss/batch.rs | s/if !is_masked \{/if false \&\& !is_masked {/
Loss: weights divide as given under a mask | train/loss/batch.rs | s/if !is_masked \{/if is_masked || !is_masked {/
Loss: nothing unmasked is NaN | train/loss/batch.rs | s/Ok\(if divisor == 0\.0 \{ 0\.0 \} else \{ sum \/ divisor \}\)/Ok(sum \/ divisor)/
Loss: weights do not reach the gradient | train/loss/batch.rs | s/weight \* factor \/ divisor/factor \/ divisor/
Loss: the upstream does not reach the gradient | train/loss/batch.rs | s/weight \* factor \/ divisor/weight \/ divisor/
Loss: the weights of one axis fall on time | train/loss/batch.rs | s/if weights\.ndim\(\) == axes && fits/if weights.ndim() <= axes \&\& fits/
Loss: classes are not rounded | train/loss/batch.rs | s/libm::rint\(class\(i\)\)/class(i)/
Loss: lengths off by one | train/loss/batch.rs | s/sample\[length \* step\.\.\]/sample[(length + 1).min(*timesteps) * step..]/
Loss: CTC skips between equal labels | train/loss/ctc.rs | s/ && self\.labels\[state \/ 2\] != self\.labels\[state \/ 2 - 1\]//
Loss: CTC ends with a label only | train/loss/ctc.rs | s/log_add\(\[last\[states - 1\], skipped, f64::NEG_INFINITY\]\)/log_add([f64::NEG_INFINITY, skipped, f64::NEG_INFINITY])/
Loss: CTC begins with a blank only | train/loss/ctc.rs | s/for state in 0\.\.states\.min\(2\) \{/for state in 0..1 {/
Loss: the padding of CTC gets a gradient | train/loss/ctc.rs | s/padding\.fill\(A::zero\(\)\)/padding.fill(A::one())/
Loss: what is impossible gets a gradient | train/loss/ctc.rs | s/        own\.fill\(A::zero\(\)\);\n        match/        own.fill(A::one());\n        match/
Loss: the CTC of PyTorch is not divided by its labels | train/loss/ctc.rs | s/let share = if by_label_length/let share = if by_label_length \&\& false/
Loss: the sum of CTC is divided by its labels | train/loss/evaluate.rs | s/self\.is_torch && self\.reduction == Reduction::Mean/self.is_torch/
Loss: sigmoids have no logits behind them | train/loss/options.rs | s/Activation::Softmax \| Activation::Sigmoid\)/Activation::Softmax)/
Loss: ignored classes see logits behind | train/loss/options.rs | s/sparse\.ignore_class\.is_none\(\)/true || sparse.ignore_class.is_none()/
train: dropout: not scaled | backward/draw.rs | s/A::from_f64\(1\.0 \/ \(1\.0 - rate\)\)/A::from_f64(1.0 + 0.0 * rate)/
train: dropout: samples share a mask | backward/draw.rs | s/let draw = self\.at\(sample\)/let draw = self.at(0 * sample)/
train: dropout: every step of a training has the same masks | backward/draw.rs | s/\.at\(step\)/.at(0 * step)/
train: dropout: gates share a mask | backward/recorder.rs | s/draw\.at\(gate\)\.mask/draw.at(0 * gate).mask/
train: dropout: gates apart without recurrent dropout | backward/recorder.rs | s/if recurrent > 0\.0 \{ of\.gates \} else \{ 1 \}/if recurrent >= 0.0 { of.gates } else { 1 }/
train: dropout: gates heed a rate of 1 | backward/recorder.rs | s/of\.gates > 1 && rate >= 1\.0/of.gates > 1 \&\& rate > 1.0/
train: dropout: directions share masks | backward/recorder.rs | s/let inner = below\(&self\.path, name\);/let inner = below(\&self.path, if name == "backward" { "forward" } else { name });/
train: dropout: one mask for all timesteps between layers | backward/recorder.rs | s/noise\.draw\(&path\)\.mask\(rate, dim\)\)/{ let one: Array3<A> = noise.draw(\&path).mask(rate, (dim.0, 1, dim.2)); Array3::from_shape_fn(dim, |(n, _, k)| one[[n, 0, k]]) })/
train: dropout: drops in inference | model/phase.rs | s/let how = Recorder::new\(zero_last\);\n(\s*)if self\.training/let how = Recorder::new(zero_last);\n$1if true/
train: dropout: the gradient of a dropped input | backward/gated.rs | s/drop_by\(&mut d, mask\);/let _ = mask;/
train: dropout: gradients of weights read what is dropped | backward/gated.rs | s/let x = masked\(x, masks, at\);/let x = masked(x, \&[], at);/
train: dropout: reset_after=False multiplies the whole h | cell/back/gru.rs | s/\|m, mask\| m \* mask\)/|m, _| m)/
train: dropout: reset_after=False backwards without the mask | cell/back/gru.rs | s/dm \*= &mask\.slice\(s!\[rows\.clone\(\), \.\.\]\);/let _ = mask;/
train: dropout: a GRU carries the dropped h | cell/back/gru.rs | s/\*to = z\.mul_add\(h\[unit\], /let kept = block.masks.recurrent.first().map_or(A::one(), |mask| mask[[n, unit]]); *to = z.mul_add(h[unit] * kept, /
train: dropout: between layers backwards without the mask | wrap/back/stacked.rs | s/drop_by\(d, mask\);/let _ = (d, mask);/
'

gone=' or die "its place is gone\n"'
break_it() { # FILE CHANGE: each part of the change must find its place
  CHANGE="${2//; s\//$gone; s/}$gone" perl -0pi -e 'eval $ENV{CHANGE}; die $@ if $@' "$1"
}

if [ "${1:-}" = --places ]; then
  place=$(mktemp) lost=0
  trap 'rm -f "$place"' EXIT
  while IFS='|' read -r name file change; do
    [ -n "$name" ] || continue
    cp "src/$(xargs <<<"$file")" "$place" && break_it "$place" "$change" || { echo "LOST  $name: $file" >&2; lost=$((lost + 1)); }
  done <<<"$MUTANTS"
  echo "$lost mutants have lost their place"
  exit $((lost > 0))
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude=./target --exclude=./.git . | tar -xm -C "$copy" # of today, so that nothing counts as built
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/mutants" CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS="-A warnings"
run() { (cd "$copy" && cargo test --config profile.test.package.recurrent.opt-level=0 "$@" 2>&1); }
usual=(--lib --tests)
files=(--all-features --test golden --test keras --test torch --test onnx --test saved) # what a mutant of a reader or writer meets

{ run "${usual[@]}" && run "${files[@]}"; } >"$copy/log" || { tail -40 "$copy/log"; echo "the tests fail without a mutant" >&2; exit 1; }
caught=0 missed=0
while IFS='|' read -r name file change; do
  [ -n "$name" ] || continue
  if [ $# -gt 0 ]; then
    wanted=no
    for word in "$@"; do [[ $name == *"$word"* ]] && wanted=yes; done
    [ $wanted = yes ] || continue
  fi
  file="src/$(xargs <<<"$file")"
  cp "$file" "$copy/$file"
  break_it "$copy/$file" "$change" || { echo "$name: $file" >&2; exit 1; }
  case $name in # those that notice most come first: they are built sooner than all
    Keras*) first=(--all-features --test keras) rest=("${files[@]}") ;;
    Amp*) first=(--all-features --test amp) rest=("${files[@]}") ;;
    PyTorch*) first=(--all-features --test golden --test torch) rest=("${files[@]}") ;;
    ONNX*) first=(--all-features --test golden --test onnx) rest=("${files[@]}") ;;
    saved*) first=(--all-features --test saved) rest=("${files[@]}") ;;
    Loss*) first=(--features train --test training) rest=(--lib) ;;
    from*|time_major*|Bidirectional*|Stacked*) first=(--test golden --test directions) rest=("${usual[@]}") ;;
    train*) first=(--features train --test training) rest=("${first[@]}") ;;
    Layout:*|PadSequences:*) first=(--test layouts --test ragged) rest=("${usual[@]}") ;;
    Session*|Stream*) first=(--test sessions --test streaming) rest=("${usual[@]}") ;;
    [A-Z]*1d:*|*Normalization:*|Masking:*|Embedding:*|RepeatVector:*|Attention:*|MultiHeadAttention:*|Dot:*|Merge:*|Concatenate:*|Permute:*|Softmax:*|TimeDistributed:*|Model:*)
      first=(--test nn --test model) rest=("${usual[@]}") ;;
    LayerNorm:*) first=(--test layer_norm) rest=("${usual[@]}") ;;
    *) first=(--lib --test golden --test masks) rest=("${usual[@]}") ;;
  esac
  if run "${first[@]}" >"$copy/log" && run "${rest[@]}" >"$copy/log"; then
    echo "MISSED  $name"; missed=$((missed + 1))
  elif grep -q "could not compile" "$copy/log"; then
    grep -A8 '^error' "$copy/log" >&2; echo "$name: does not compile" >&2; exit 1
  else
    by=$(sed -n 's/^test \([a-z0-9_:]*\) .*FAILED$/\1/p' "$copy/log" | sort -u)
    echo "caught  $name  (by $(head -3 <<<"$by" | paste -sd, | sed "s/,/, /g"))"; caught=$((caught + 1))
  fi
  cp "$file" "$copy/$file"
done <<<"$MUTANTS"
echo "$caught caught, $missed missed"
[ $missed = 0 ]
