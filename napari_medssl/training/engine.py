"""The only training loop.

It owns the optimiser, the clock and the checkpoints; a method only ever says what the loss of a batch is. Everything
random is a function of seed and step, so that a resumed run goes on exactly as if it had not stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import RunError
from ..inference.model import MODEL, save_model
from ..methods.base import Batch, Learner, Patches, Phase, Step, seed_everything
from ..runs.events import CheckpointSaved, PhaseStarted, RunEvent, Stepped, Warned
from ..runs.spec import Plan, RunSpec
from ..runs.stop import How, StopToken
from .budget import PhaseBudget, part_of_run, split, total_steps, with_left_over
from .cache import Cache
from .checkpoint import Progress, load_checkpoint, read_progress, save_checkpoint
from .memory import is_out_of_memory, smaller
from .optimisers import make_optimiser, set_learning_rate
from .patches import Prefetcher, Sampler
from .preview import Previewer
from .report import Reporter
from .soundness import Soundness, gradient_length
from .suspects import suspects, tell_suspects
from .validate import Examiner

CHECKPOINT_SECONDS = 60.0
BAD_STEPS = 20  # in a row: then a run is given up
BAD_STEPS_TOLD = 5  # by a process: a scan that is met again and again is told often enough by then


class Engine:
    """Trains one learner through the phases of one run.

    Parameters
    ----------
    spec : RunSpec
        Resolved.
    folder : Path
        Of the run.
    cache : Cache
    learner : Learner
    phases, budgets
        Same length.
    info : dict
        What the deployed model says of itself.
    replan : callable, optional
        Writes another plan down and gives its phases: views follow from its patch, so they get smaller with it.
    previewer : Previewer, optional
        Shows meanwhile how the proposal of a case grows.
    """

    def __init__(
        self,
        spec: RunSpec,
        folder: Path,
        cache: Cache,
        learner: Learner,
        phases: list[Phase],
        budgets: list[PhaseBudget],
        info: dict[str, object],
        replan: Callable[[Plan], list[Phase]] | None = None,
        previewer: Previewer | None = None,
    ) -> None:
        assert spec.plan is not None
        self._spec, self._folder, self._cache = spec, folder, cache
        self._plan: Plan = spec.plan
        self._device = torch.device(self._plan.device)
        layout = torch.channels_last_3d if self._plan.net.ndim == 3 else torch.channels_last
        self._learner = learner.to(self._device).to(memory_format=layout)  # type: ignore[call-overload]
        self._soundness = Soundness(self._learner)
        self._told = 0  # bad steps
        self._layout = layout
        self._phases, self._budgets = phases, budgets
        self._info = info
        self._replan, self._previewer = replan, previewer
        self._examiner = Examiner(cache, spec.held_out, by_steps=total_steps(budgets) is not None)
        self.progress = Progress(step=0, phase=0, phase_step=0, seconds=0.0, phase_seconds=0.0)

    def train(self, stop: StopToken, resume: bool, begins_with: str = "") -> Generator[RunEvent, None, How | None]:
        """Train to the end of the last phase, or until asked to stop.

        Parameters
        ----------
        stop : callable
        resume : bool
            Go on from the checkpoint.
        begins_with : str
            What the learner's weights come from, to be said with the first phase.

        Returns
        -------
        str or None
            How it was asked to stop.
        """
        torch.set_num_threads(self._plan.threads)
        optimiser: torch.optim.Optimizer | None = None
        if resume:
            self.progress = read_progress(self._folder)
        for index in range(self.progress.phase, len(self._phases)):
            phase = self._phases[index]
            begun = resume and index == self.progress.phase
            if begun:
                optimiser = self._optimiser(phase, None)
                self.progress = load_checkpoint(self._folder, self._learner, optimiser)
            else:
                self.progress = replace(self.progress, phase=index, phase_step=0, phase_seconds=0.0)
                self._learner.before_phase(phase)
                optimiser = self._optimiser(phase, optimiser)
            said = "" if index or begun else begins_with
            yield PhaseStarted(
                phase=phase.name, title=phase.title, index=index, step=self.progress.step, begins_with=said
            )
            self._examiner.begin(self._done())
            if self._previewer is not None:
                self._previewer.begin(self.progress.seconds)
            how = yield from self._phase(phase, optimiser, stop)
            if how != "discard":
                yield self._save(optimiser)
            if how:
                return how
        return None

    def deploy(self) -> CheckpointSaved:
        """Save the model as it is now, unless one was chosen on held-out cases."""
        if self.progress.best is None:
            self._deploy()
        return CheckpointSaved(step=self.progress.step, path=MODEL, deployed=True)

    def _deploy(self) -> None:
        save_model(self._folder, self._learner.members(), {**self._info, "step": self.progress.step})

    def _optimiser(self, phase: Phase, before: torch.optim.Optimizer | None) -> torch.optim.Optimizer:
        optimiser = make_optimiser(self._learner, phase)
        if before is not None and phase.optimiser.keep_state:
            optimiser.load_state_dict({**optimiser.state_dict(), "state": before.state_dict()["state"]})
        return optimiser

    def _phase(
        self, phase: Phase, optimiser: torch.optim.Optimizer, stop: StopToken
    ) -> Generator[RunEvent, None, How | None]:
        """One phase; returns how it was asked to stop, None at its end."""
        budget = self._budget()
        sampler = self._sampler()
        batches = Prefetcher(lambda step: sampler.batch(step, phase))
        reporter = Reporter(budget.steps)
        saved_at = time.monotonic()
        first = self.progress.step - self.progress.phase_step
        self._learner.train()
        try:
            while (done := budget.progress(self.progress.phase_step, self.progress.phase_seconds)) < 1.0:
                how = stop()
                if how:
                    return how
                begin = time.monotonic()
                batch = batches.get(self.progress.step, None if budget.steps is None else first + budget.steps - 1)
                waited = time.monotonic() - begin
                for case, why in self._cache.left_out():
                    yield Warned(message=f"Left out of this run: {why}", case=case)
                rate = set_learning_rate(optimiser, phase, self.progress.phase_step, done)
                try:
                    terms = self._step(phase, done, batch, optimiser)
                except (MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                    self._plan = smaller(self._plan, error)
                    if self._replan is not None:
                        self._phases = self._replan(self._plan)
                        self._budgets = split(self._spec.budget, self._phases)  # as a resumed run will have them
                        phase, budget = self._phases[self.progress.phase], self._budget()
                    sampler = self._sampler()
                    batches.forget()
                    yield Warned(message=f"Memory ran out; going on with patches of {self._plan.patch} voxels.")
                    continue
                yield from self._judge(terms if isinstance(terms, str) else "", batch)
                self._advance(time.monotonic() - begin)
                reporter.add({} if isinstance(terms, str) else terms, waited, time.monotonic() - begin)
                if reporter.is_due(self.progress.phase_step):
                    yield self._report(phase, budget, reporter, rate)
                if self._examiner.is_due(self._done(), self.progress.seconds):
                    begin = time.monotonic()
                    yield self._examine()
                    self._learner.train()
                    self._advance(time.monotonic() - begin, steps=0)
                yield from self._show(stop)
                if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                    begin = time.monotonic()
                    yield self._save(optimiser)
                    saved_at = time.monotonic()
                    self._advance(saved_at - begin, steps=0)
            return None
        finally:
            batches.close()

    def _step(
        self, phase: Phase, done: float, batch: Batch, optimiser: torch.optim.Optimizer
    ) -> dict[str, torch.Tensor] | str:
        """One step of the optimiser; what is no number, where something is, and nothing was changed.

        Nothing is changed either where it raises before the optimiser has begun: memory may run out.
        """
        self._soundness.keep()
        try:
            batch = self._to_device(batch)
            total, terms, at = self._forward_and_back(phase, done, batch, optimiser)
            fault = self._soundness.fault(batch, total, self._gradient(phase))
        except BaseException:
            self._soundness.restore()
            raise
        if fault:
            self._soundness.restore()
            return fault
        optimiser.step()
        self._learner.after_step(at)
        return {"total": total, **terms}

    def _forward_and_back(
        self, phase: Phase, done: float, batch: Batch, optimiser: torch.optim.Optimizer
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], Step]:
        """The losses of a step, detached, with the weights' gradients made."""
        rng = seed_everything(self._spec.seed, self.progress.step)
        at = Step(self.progress.step, phase, self.progress.phase_step, done, rng)
        low = self._plan.precision == "bfloat16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=low):
            losses = self._learner.losses(batch, at)
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        return losses.total.detach(), {name: term.detach() for name, term in losses.terms.items()}, at

    def _gradient(self, phase: Phase) -> torch.Tensor:
        """How long the gradient is; it is shortened where the phase wants that."""
        if phase.optimiser.clip is not None:
            return torch.nn.utils.clip_grad_norm_(self._learner.parameters(), phase.optimiser.clip)
        return gradient_length(self._learner, self._device)

    def _judge(self, fault: str, batch: Batch) -> Generator[RunEvent]:
        """Count bad steps and tell of them.

        Raises
        ------
        RunError
            After too many in a row.
        """
        self.progress = replace(self.progress, bad=self.progress.bad + 1 if fault else 0)
        if not fault or (self._told >= BAD_STEPS_TOLD and self.progress.bad < BAD_STEPS):
            return
        origins = suspects(batch)
        where = tell_suspects(origins, self._cache.grid, self._plan.slice_axis)
        if self.progress.bad >= BAD_STEPS:
            raise RunError(
                f"{BAD_STEPS} steps in a row came to nothing; of the last one, {fault}. It looked at {where}. Start "
                "again with a lower learning rate; where that does not help, look at these scans."
            )
        self._told += 1
        cases = {origin.case for origin in origins}
        yield Warned(
            message=f"Step {self.progress.step + 1} changed nothing, for {fault}. It looked at {where}.",
            case=cases.pop() if len(cases) == 1 else None,
        )

    def _budget(self) -> PhaseBudget:
        """Of the phase that training is in."""
        now = self.progress
        return with_left_over(self._budgets, now.phase, now.seconds - now.phase_seconds)

    def _sampler(self) -> Sampler:
        spec = self._spec
        # labelled scans are scans too: without their labels they belong to the unlabelled side as well
        everything = (*spec.unlabelled, *(entry.case for entry in spec.labelled))
        blind = not spec.unlabelled or any(phase.views is not None for phase in self._phases)
        return Sampler(self._cache, self._plan, spec.labelled, everything if blind else spec.unlabelled, spec.seed)

    def _to_device(self, batch: Batch) -> Batch:
        def move(patches: Patches | None) -> Patches | None:
            if patches is None:
                return None
            images = patches.images.to(self._device, memory_format=self._layout, non_blocking=True)
            labels = None if patches.labels is None else patches.labels.to(self._device, non_blocking=True)
            return Patches(images, labels)

        views = batch.views and {name: v.to(self._device, non_blocking=True) for name, v in batch.views.items()}
        return Batch(move(batch.labelled), move(batch.unlabelled), views, batch.origins)

    def _advance(self, seconds: float, steps: int = 1) -> None:
        now = self.progress
        self.progress = replace(
            now,
            step=now.step + steps,
            phase_step=now.phase_step + steps,
            seconds=now.seconds + seconds,
            phase_seconds=now.phase_seconds + seconds,
        )

    def _done(self) -> float:
        """Part of all training that is done."""
        return part_of_run(self._budgets, self.progress)

    def _report(self, phase: Phase, budget: PhaseBudget, reporter: Reporter, rate: float) -> Stepped:
        now, done = self.progress, self._done()
        left = budget.seconds_left(now.phase_step, now.phase_seconds)
        for later in self._budgets[now.phase + 1 :]:
            speed = now.phase_seconds / max(1, now.phase_step)
            left += later.seconds if later.seconds is not None else (later.steps or 0) * speed
        losses, step_seconds, wait_share = reporter.take()
        return Stepped(
            step=now.step,
            phase=phase.name,
            losses=losses,
            progress=done,
            eta_seconds=left,
            learning_rate=rate,
            step_seconds=step_seconds,
            wait_share=wait_share,
        )

    def _examine(self) -> RunEvent:
        event = self._examiner.examine(self._learner.members()[0], self._plan, self.progress, self._info)
        if event.best:
            self._deploy()
            self.progress = replace(self.progress, best=event.mean)
        return event

    def _show(self, stop: StopToken) -> Generator[RunEvent]:
        """Predict the case that a person looks at, if it is time; training is not touched by it."""
        if self._previewer is None:
            return
        now = self.progress
        case = self._previewer.is_due(self._plan, now.seconds, now.step / max(now.seconds, 1e-9))
        if case is None:
            return
        begin = time.monotonic()
        shown = self._previewer.preview(self._learner.members()[0], self._plan, case, now, stop)
        self._advance(time.monotonic() - begin, steps=0)
        if shown is not None:
            yield shown

    def _save(self, optimiser: torch.optim.Optimizer) -> CheckpointSaved:
        path = save_checkpoint(self._folder, self._learner, optimiser, self.progress)
        return CheckpointSaved(step=self.progress.step, path=path)
