*** Settings ***
Documentation       The life of a VM after its start: states, ends and their reasons.
Resource            acceptance.resource

Suite Setup         Set Up Suite With Sockets
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${AT_ONCE}      ${1}


*** Test Cases ***
Two VMs Live Side By Side
    ${one}=    Start Kernel VM    one
    ${two}=    Start Kernel VM    two    cpus=2
    Should Not Be Equal    ${one}[qemu_id]    ${two}[qemu_id]
    Should Not Be Equal    ${one}[port]    ${two}[port]
    Should Not Be Equal    ${one}[pid]    ${two}[pid]
    ${vms}=    List VMs
    Should Be Equal    ${vms}    ${{['one', 'two']}}
    ${vms}=    List VMs    node=DUT1
    Should Be Equal    ${vms}    ${{['one', 'two']}}
    FOR    ${vm}    IN    one    two
        ${result}=    Execute In VM    ${vm}    cat    /proc/sys/kernel/hostname
        Should Be Equal    ${result}[stdout]    ${vm}\n
    END

A Paused VM Stands Still Until It Is Resumed
    Pause VM    one
    State Should Be    one    paused
    ${status}=    Qmp Command    one    query-status
    Should Be Equal    ${status}[status]    paused
    Pause VM    one
    Resume VM    one
    State Should Be    one    running
    ${status}=    Qmp Command    one    query-status
    Should Be True    ${status}[running]
    Guest Agent Command    one    guest-ping

States Follow What Is Done Behind The Server's Back
    Qmp Command    one    stop
    Wait Until State Is    one    paused
    Qmp Command    one    cont
    Wait Until State Is    one    running

Vcpus Are Pinned And Scheduled As Asked
    ${info}=    Get VM Info    two
    Set VM CPU Affinity    two    1    0
    ${affinity}=    Get Vcpu Affinity    ${info}[pid]
    Should Be Equal    ${affinity}    ${{['1', '0']}}
    Set VM CPU Affinity    two    0    0
    ${info}=    Get VM Info    two
    Should Be Equal    ${info}[host_cpus]    ${{[0, 0]}}
    ${affinity}=    Get Vcpu Affinity    ${info}[pid]
    Should Be Equal    ${affinity}    ${{['0', '0']}}
    Should Fail At Once    *argument 'host_cpus'*2 vCPUs*got 1*    Set VM CPU Affinity    two    0
    Should Fail At Once    *argument 'host_cpus'*no CPU 4000*    Set VM CPU Affinity    two    0    4000
    ${affinity}=    Get Vcpu Affinity    ${info}[pid]
    Should Be Equal    ${affinity}    ${{['0', '0']}}
    Set VM Scheduler Policy    two    rr    5
    ${scheduling}=    Get Vcpu Scheduling    ${info}[pid]
    Should Be Equal    ${scheduling}    ${{['rr 5', 'rr 5']}}
    Set VM Scheduler Policy    two    policy=fifo
    ${scheduling}=    Get Vcpu Scheduling    ${info}[pid]
    Should Be Equal    ${scheduling}    ${{['fifo 1', 'fifo 1']}}
    Set VM Scheduler Policy    two    policy=batch    priority=0
    ${scheduling}=    Get Vcpu Scheduling    ${info}[pid]
    Should Be Equal    ${scheduling}    ${{['batch 0', 'batch 0']}}
    Set VM Scheduler Policy    two    policy=other    priority=0
    ${error}=    Should Fail At Once    *    Call Server    Set VM Scheduler Policy    two    real
    Should Contain    ${error}    argument 'policy'
    Should Contain    ${error}    'real'
    Should Contain    ${error}    fifo
    Should Fail At Once    *argument 'priority'*100*    Call Server    Set VM Scheduler Policy    two    rr    100
    ${scheduling}=    Get Vcpu Scheduling    ${info}[pid]
    Should Be Equal    ${scheduling}    ${{['other 0', 'other 0']}}

Qmp Answers And Errors Come Through
    ${version}=    Qmp Command    one    query-version
    ${told}=    Get Qemu Version
    Should Be Equal    ${told}    ${version}[qemu][major].${version}[qemu][minor].${version}[qemu][micro]
    ${value}=    Qmp Command    one    qom-get    path=/machine    property=type
    Should Match    ${value}    pc-*machine
    Should Fail At Once    *CommandNotFound*no-such-thing*    Qmp Command    one    no-such-thing
    Should Fail At Once    *GenericError*path*    Qmp Command    one    qom-get    property=type
    Should Fail At Once    *DeviceNotFound*/machine/nothing*    Qmp Command    one    qom-get    path=/machine/nothing    property=type

A Reset VM Boots Again
    ${before}=    Get VM Info    one
    Reset VM    one
    Wait Until Keyword Succeeds    30 s    100 ms    Init Should Have Run Twice    one
    ${after}=    Get VM Info    one
    Should Be Equal    ${before}[pid]    ${after}[pid]
    Should Be Equal    ${after}[state]    running
    ${result}=    Execute In VM    one    cat    /proc/uptime    timeout=20 s
    Should Be Equal    ${result}[rc]    ${0}

Stopping A VM Powers It Off And Leaves Its Console
    ${info}=    Get VM Info    one
    ${began}=    Evaluate    time.monotonic()
    ${answer}=    Get Call Output    Stop VM    one
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be Equal    ${answer}[status]    PASS
    Should Be True    ${seconds} < 8
    Should Contain    ${answer}[output]    the guest powered off
    Should Not Contain    ${answer}[output]    SIGTERM
    Process Should Be Gone    ${info}[pid]
    ${files}=    List Files Below    ${info}[run_dir]
    Should Be Equal    ${files}    ${{{'console.log': 'file'}}}
    ${text}=    Get File    ${info}[console_log]
    Should Contain    ${text}    Power down
    Should Fail At Once    *argument 'vm'*unknown VM 'one'*two*    Get VM State    one
    Should Fail At Once    *unknown VM 'one'*    Stop VM    one

A Paused VM Can Be Stopped
    Pause VM    two
    Stop VM    two    timeout=15 s
    Nothing Should Be Left

Killing A VM Passes Also When It Is Gone
    ${info}=    Start Kernel VM    victim    paused=True
    State Should Be    victim    paused
    Kill VM    victim
    Process Should Be Gone    ${info}[pid]
    Kill VM    victim
    Kill VM    never-there
    Nothing Should Be Left

A Guest That Powers Off Says So
    Start Kernel VM    ends
    ${call}=    Begin Call    Wait Until VM Stops    ends
    Run Keyword And Ignore Error    Execute In VM    ends    sh    -c    echo o > /proc/sysrq-trigger
    ${reason}=    Finish Call    ${call}
    Should Be Equal    ${reason}    guest-shutdown
    State Should Be    ends    stopped
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    guest-shutdown
    ${info}=    Get VM Info    ends
    Should Be Equal    ${info}[pid]    ${0}
    ${text}=    Get VM Console    ends    lines=5
    Should Contain    ${text}    Power down
    Should Fail At Once    *VM 'ends' is stopped*    Pause VM    ends

A Guest That Restarts Says So
    [Documentation]    And a VM that ended is started again under its name.
    Start Kernel VM    ends
    Run Keyword And Ignore Error    Execute In VM    ends    sh    -c    echo b > /proc/sysrq-trigger
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    guest-reset

A Guest That Panics Says So
    Start Kernel VM    ends
    Run Keyword And Ignore Error    Execute In VM    ends    sh    -c    echo c > /proc/sysrq-trigger
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    guest-panic
    State Should Be    ends    failed
    ${text}=    Get VM Console    ends
    Should Contain    ${text}    Kernel panic - not syncing

A Payload That Ends Powers The Guest Off
    Start Kernel VM    ends    vnf=command    command=echo begun; sleep 1    ready_pattern=begun
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    guest-shutdown

A Quit Over Qmp Says So
    Start Kernel VM    ends    paused=True
    Qmp Command    ends    quit
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    host-qmp-quit
    State Should Be    ends    stopped

A Signal From The Host Says So
    ${info}=    Start Kernel VM    ends    paused=True
    Signal Process    ${info}[pid]    SIGTERM
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    host-signal
    Process Should Be Gone    ${info}[pid]

A Qemu That Is Killed Has Crashed
    ${info}=    Start Kernel VM    ends    paused=True
    Signal Process    ${info}[pid]    SIGKILL
    ${reason}=    Wait Until VM Stops    ends
    Should Be Equal    ${reason}    crashed
    State Should Be    ends    failed
    Process Should Be Gone    ${info}[pid]
    ${killed}=    Qemu Kill All
    Nothing Should Be Left

Waiting For The End Of A VM That Lives Fails After The Timeout
    Start Kernel VM    lives    paused=True
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Wait Until VM Stops    lives    timeout=500 ms
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Contain    ${error}    lives
    Should Contain    ${error}    timed out
    Should Be True    0.5 <= ${seconds} < 1.5
    Kill VM    lives

A Defined VM Is Known Before Its Start
    Configure Vhost Interfaces    planned    ${SOCKETS}/a
    State Should Be    planned    defined
    Should Fail At Once    *VM 'planned' is defined*    Pause VM    planned
    Should Fail At Once    *'planned' was not started*    Wait Until VM Stops    planned
    Kill VM    planned
    Nothing Should Be Left

A Start That Waits Is Killed With All Others
    [Documentation]    The vswitch never comes. Nobody waits for that start but its caller.
    Configure Vhost Interfaces    waits    ${SOCKETS}/a    ${SOCKETS}/b
    ${call}=    Begin Call    Start Kernel VM    waits    timeout=60
    Wait Until Created    ${SOCKETS}/b    10 s
    State Should Be    waits    starting
    ${other}=    Start Kernel VM    other    paused=True
    ${began}=    Evaluate    time.monotonic()
    ${killed}=    Qemu Kill All
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    ${seconds} < ${AT_ONCE}
    Lists Should Be Equal    ${killed}    ${{['waits', 'other']}}    ignore_order=True
    Nothing Should Be Left
    Run Keyword And Expect Error    *VM 'waits'*killed*    Finish Call    ${call}    timeout=1
    Process Should Be Gone    ${other}[pid]

A Start That Waits Is Killed By Its Name
    Configure Vhost Interfaces    waits    ${SOCKETS}/a
    ${call}=    Begin Call    Start Kernel VM    waits    timeout=60
    Wait Until Created    ${SOCKETS}/a    10 s
    Should Fail At Once    *VM 'waits' is starting already*    Start Kernel VM    waits
    Kill VM    waits
    Run Keyword And Expect Error    *VM 'waits'*killed*    Finish Call    ${call}    timeout=1
    Nothing Should Be Left

Killing Nothing Passes
    ${killed}=    Qemu Kill All
    Should Be Empty    ${killed}
    ${killed}=    Qemu Kill All    node=DUT1
    Should Be Empty    ${killed}
    Should Fail At Once    *unknown node 'DUT9'*DUT1*    Qemu Kill All    node=DUT9


*** Keywords ***
Init Should Have Run Twice
    [Arguments]    ${vm}
    ${text}=    Get VM Console    ${vm}
    Should Contain X Times    ${text}    the init script of    2
