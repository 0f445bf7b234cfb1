*** Settings ***
Documentation       Runs one keyword of a vhostel server, without a suite of its own:
...
...                 | robot -v KEYWORD:"Qemu Kill All" -v ARGS:"node=DUT1" robot/adhoc.robot
...                 | robot -v KEYWORD:"Start Kernel VM" -v "ARGS:nf1\ \ cpus=2\ \ host_cpus=[0]" robot/adhoc.robot
...                 | robot -v KEYWORD:"Execute On Node" -v ARGS:"DUT1::ls::-l::/tmp" robot/adhoc.robot
...
...                 ARGS has the arguments as a line of a suite has them, with two or more spaces or
...                 a tab between them; where there is a ``::``, that stands between them instead,
...                 which lets an argument have several spaces. ``name=value`` is a named argument
...                 when the keyword has one of that name or takes any name; ``name\\=value`` is
...                 not. URL is the server's address, by default the environment variable
...                 VHOSTEL_URL or the default port on this machine. What the keyword returns is
...                 shown on the console and in the log.
Library             Remote    ${URL}    AS    vhostel


*** Variables ***
${URL}          %{VHOSTEL_URL=http://127.0.0.1:8270}
${KEYWORD}      List VMs
${ARGS}         ${EMPTY}


*** Test Cases ***
Ad Hoc
    [Documentation]    Passes when the keyword does.
    ${separator}=    Set Variable If    '::' in $ARGS    ::    \\s{2,}|\\t\\s*
    ${words}=    Evaluate    re.split($separator, $ARGS.strip()) if $ARGS.strip() else []
    ${names}=    Names Of Arguments
    ${positional}    ${named}=    Tell Arguments Apart    ${words}    ${names}
    ${result}=    Run Keyword    vhostel.${KEYWORD}    @{positional}    &{named}
    ${text}=    Evaluate    $result if isinstance($result, str) else pprint.pformat($result, sort_dicts=False)
    Log    ${text}    console=True


*** Keywords ***
Names Of Arguments
    [Documentation]    Returns the argument names of the keyword, ``**name`` as it is; an empty list when the server has
    ...    no such keyword.
    ${library}=    Get Library Instance    vhostel
    ${keywords}=    Call Method    ${library}    get_keyword_names
    FOR    ${candidate}    IN    @{keywords}
        ${same}=    Evaluate    robot.utils.eq($candidate, $KEYWORD, ignore='_')    modules=robot.utils
        IF    not ${same}    CONTINUE
        ${names}=    Create List
        ${specs}=    Call Method    ${library}    get_keyword_arguments    ${candidate}
        FOR    ${spec}    IN    @{specs}
            ${names}=    Evaluate    $names + [str($spec).split('=')[0]]
        END
        RETURN    ${names}
    END
    RETURN    @{EMPTY}

Tell Arguments Apart
    [Documentation]    Returns a list of positional arguments and a dictionary of named ones, told apart as Robot does.
    [Arguments]    ${words}    ${names}
    ${positional}=    Create List
    ${named}=    Create Dictionary
    ${any_name}=    Evaluate    '**' in ' '.join($names)
    FOR    ${word}    IN    @{words}
        ${name}    ${equals}    ${value}=    Evaluate    $word.partition('=')
        IF    $equals and ($name in $names or $any_name and re.fullmatch('[\\w.-]+', $name))
            ${named}=    Evaluate    {**$named, $name: $value}
        ELSE
            ${positional}=    Evaluate    $positional + [$word.replace('\\\\=', '=', 1)]
        END
    END
    RETURN    ${positional}    ${named}
