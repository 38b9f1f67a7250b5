"""All facts of the sample exam, one module a subject.

To add a table or a written question, put it into the module of its subject; to add a module, name it here.
"""

from __future__ import annotations

from cmexam_baseline.exam.sample.fact_table import FactTable, Item
from cmexam_baseline.exam.sample.facts import (
    acupuncture,
    anatomy,
    biochemistry,
    blood,
    calculations,
    cases_medical,
    cases_other,
    childhood,
    choices,
    dentistry,
    drug_actions,
    drug_classes,
    excipients,
    first_choice,
    formulas,
    herbs,
    hormones,
    imaging,
    immunology,
    microbes,
    mind,
    nerves,
    normal_values,
    nutrition,
    obstetrics,
    occupational,
    parasites,
    public_health,
    senses,
    signs,
    surgery,
    tcm_theory,
    thresholds,
    tumours,
)

TABLES: dict[str, FactTable] = {
    table.topic: table
    for module in (
        acupuncture,
        anatomy,
        biochemistry,
        blood,
        childhood,
        dentistry,
        drug_actions,
        drug_classes,
        excipients,
        first_choice,
        formulas,
        herbs,
        hormones,
        imaging,
        immunology,
        microbes,
        mind,
        nerves,
        nutrition,
        obstetrics,
        occupational,
        parasites,
        public_health,
        senses,
        signs,
        surgery,
        tcm_theory,
        tumours,
    )
    for table in module.TABLES
}
"""Every table by its topic."""

ITEMS: dict[str, Item] = {
    item.stems[0]: item
    for module in (calculations, cases_medical, cases_other, choices, normal_values, thresholds)
    for item in module.ITEMS
}
"""Every written question by its first stem."""
