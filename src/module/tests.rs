use wasm_encoder::{Module, RawSection, SectionId};

use super::*;

const TYPE: u8 = SectionId::Type as u8;
const IMPORT: u8 = SectionId::Import as u8;
const FUNCTIONS: u8 = SectionId::Function as u8;
const TABLE: u8 = SectionId::Table as u8;
const MEMORY: u8 = SectionId::Memory as u8;
const EXPORT: u8 = SectionId::Export as u8;
const CODE: u8 = SectionId::Code as u8;

/// The type of a function.
const FUNCTION: u8 = 0x60;

fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut module = Module::new();
    for (id, data) in sections {
        module.section(&RawSection { id: *id, data });
    }
    module.finish()
}

fn imported_memory(module: &[u8]) -> Result<Option<ImportedMemory>, LimitError> {
    layout(module).map(|layout| layout.imported_memory)
}

/// An import named `m` of a module named `e`.
fn import(rest: &[u8]) -> Vec<u8> {
    [&[1, b'e', 1, b'm'], rest].concat()
}

#[test]
fn a_memory_gets_a_maximum_or_a_lower_one() {
    for (memory, limited) in [
        (&[1, 0, 1][..], &[1, 1, 1, 200, 1][..]),
        (&[1, 1, 1, 10], &[1, 1, 1, 10]),
        (&[1, 1, 1, 0x80, 0x80, 4], &[1, 1, 1, 200, 1]),
        // Shared, with 64-bit addresses, and two memories.
        (&[1, 3, 1, 0x80, 0x80, 4], &[1, 3, 1, 200, 1]),
        (&[1, 4, 200, 1], &[1, 5, 200, 1, 200, 1]),
        (&[2, 0, 0, 0, 1], &[2, 1, 0, 100, 1, 1, 100]),
        (&[0], &[0]),
    ] {
        let before = module(&[(1, &[0]), (MEMORY, memory), (0, b"\x01xrest")]);
        let after = module(&[(1, &[0]), (MEMORY, limited), (0, b"\x01xrest")]);
        assert_eq!(limit_memory(&before, 200), Ok(after), "{memory:?}");
    }
}

#[test]
fn parameters_are_those_of_the_exported_function() {
    let types = [
        3, FUNCTION, 0, 0, FUNCTION, 2, 0x7f, 0x7c, 1, 0x7e, FUNCTION, 1, 0x7b, 0,
    ];
    let imports = [&[1][..], &import(&[0, 0])].concat();
    let exports = [
        4, 1, b'f', 0, 1, 1, b'v', 0, 2, 1, b'm', 2, 0, 1, b'i', 0, 0,
    ];
    let bodies = [2, 2, 0, 0x0b, 2, 0, 0x0b];
    let sections: [(u8, &[u8]); 5] = [
        (TYPE, &types),
        (IMPORT, &imports),
        (FUNCTIONS, &[2, 1, 2]),
        (EXPORT, &exports),
        (CODE, &bodies),
    ];
    let module = module(&sections);
    assert_eq!(parameters(&module, "f"), Ok(Some(vec!["i32", "f64"])));
    assert_eq!(parameters(&module, "i"), Ok(Some(vec![])));
    assert_eq!(parameters(&module, "v"), Ok(None));
    for name in ["m", "none"] {
        assert_eq!(parameters(&module, name), Err(LimitError::Malformed));
    }
    assert!(parameters(&module[..module.len() - 1], "f").is_err());
}

#[test]
fn an_imported_memory_is_found_among_imports_of_all_kinds() {
    let others: [&[u8]; 6] = [
        &[0, 0x85, 1],
        &[1, 0x70, 1, 0, 9],
        &[1, 0x63, 7, 0, 9],
        &[3, 0x7f, 1],
        &[3, 0x64, 0x80, 1, 0],
        &[4, 0, 3],
    ];
    let imports = |memory: &[u8]| {
        let others = others.iter().map(|other| import(other));
        let all: Vec<_> = others.chain([import(memory)]).flatten().collect();
        let mut content = vec![7];
        content.extend(all);
        module(&[(IMPORT, &content)])
    };
    let limited = limit_memory(&imports(&[2, 0, 1]), 3);
    assert_eq!(limited, Ok(imports(&[2, 1, 1, 3])));
}

#[test]
fn an_imported_memory_is_told_if_it_is_the_only_one() {
    let of = |content: &[u8]| module(&[(IMPORT, content)]);
    let memory = |minimum, maximum, is_shared| ImportedMemory {
        module: "e".into(),
        name: "m".into(),
        minimum,
        maximum,
        is_shared,
    };
    for (limits, told) in [
        (&[2, 0, 0x80, 1][..], Some(memory(128, None, false))),
        (&[2, 1, 1, 9], Some(memory(1, Some(9), false))),
        (&[2, 3, 1, 9], Some(memory(1, Some(9), true))),
        (&[2, 4, 1], None),
        (&[0, 7], None),
    ] {
        let content = [&[1][..], &import(limits)].concat();
        assert_eq!(imported_memory(&of(&content)), Ok(told), "{limits:?}");
    }
    let one = import(&[2, 0, 1]);
    let two = [&[2][..], &one, &one].concat();
    assert_eq!(imported_memory(&of(&two)), Ok(None));
    let beside = [&[1][..], &one].concat();
    let beside = |own: &[u8]| module(&[(IMPORT, &beside), (MEMORY, own)]);
    assert_eq!(imported_memory(&beside(&[1, 0, 1])), Ok(None));
    assert!(imported_memory(&beside(&[0])).unwrap().is_some());
    assert_eq!(imported_memory(b"\0asm"), Err(LimitError::Malformed));
}

#[test]
fn tables_get_a_maximum_or_a_lower_one() {
    for (table, limited) in [
        // One page is 8192 entries.
        (&[1, 0x70, 0, 1][..], &[1, 0x70, 1, 1, 0x80, 0x80, 1][..]),
        (&[1, 0x70, 1, 1, 2], &[1, 0x70, 1, 1, 2]),
        (
            &[2, 0x63, 7, 0, 1, 0x6f, 0, 0],
            &[2, 0x63, 7, 1, 1, 0x80, 0x40, 0x6f, 1, 0, 0x80, 0x40],
        ),
        (
            &[1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b],
            &[1, 0x40, 0, 0x70, 1, 1, 0x80, 0x80, 1, 0xd0, 0x70, 0x0b],
        ),
    ] {
        let before = module(&[(TABLE, table)]);
        let after = module(&[(TABLE, limited)]);
        assert_eq!(limit_memory(&before, 2), Ok(after), "{table:?}");
    }
    let begins_large = module(&[(TABLE, &[1, 0x70, 0, 0x81, 0x80, 1])]);
    let refused = limit_memory(&begins_large, 2);
    assert_eq!(refused, Err(LimitError::TooManyEntries(16_385)));
}

#[test]
fn functions_alone_may_be_types() {
    for (types, limited) in [
        (&[1, 0x60, 2, 0x7f, 0x63, 0x70, 1, 0x7e][..], Ok(())),
        (&[1, 0x4e, 1, 0x50, 1, 3, 0x60, 0, 0], Ok(())),
        (&[1, 0x4f, 0, 0x60, 0, 0], Ok(())),
        (&[1, 0x5e, 0x78, 1], Err(LimitError::Collected)),
        (&[1, 0x4e, 1, 0x5f, 0], Err(LimitError::Collected)),
        (&[1, 0x50, 0, 0x5f, 0], Err(LimitError::Collected)),
        (&[1, 0x77], Err(LimitError::Malformed)),
    ] {
        let module = module(&[(TYPE, types)]);
        let expected = limited.map(|()| module.clone());
        assert_eq!(limit_memory(&module, 2), expected, "{types:?}");
    }
}

#[test]
fn a_module_that_needs_more_is_refused() {
    let begins_large = module(&[(MEMORY, &[1, 0, 17])]);
    let refused = limit_memory(&begins_large, 16);
    assert_eq!(refused, Err(LimitError::TooSmall(17)));
    assert!(limit_memory(&begins_large, 17).is_ok());
}

#[test]
fn what_is_no_module_is_refused_wherever_it_ends() {
    let whole = module(&[
        (IMPORT, &[&[1][..], &import(&[2, 0, 1])].concat()),
        (MEMORY, &[1, 0, 1]),
    ]);
    assert!(limit_memory(&whole, 9).is_ok());
    let sections_end_at = [Module::HEADER.len(), whole.len() - 5, whole.len()];
    for len in 0..whole.len() {
        let is_whole = sections_end_at.contains(&len);
        assert_eq!(limit_memory(&whole[..len], 9).is_ok(), is_whole, "{len}");
    }
    for content in [
        // Another page size, unknown flags, a number that never ends, more bytes than the section has, a huge
        // count.
        &[1, 8, 1, 0][..],
        &[1, 16, 1],
        &[
            1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        &[1, 0, 1, 0],
        &[0xff, 0xff, 0xff, 0xff, 0xf, 0, 0],
    ] {
        let module = module(&[(MEMORY, content)]);
        assert_eq!(
            limit_memory(&module, 9),
            Err(LimitError::Malformed),
            "{content:?}"
        );
    }
}
