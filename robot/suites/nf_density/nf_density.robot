*** Settings ***
Documentation       How many network functions in how many chains fit on a machine, and how fast they forward.
...
...                 The matrix of draft-mkonstan-nf-service-density: rows are chains (service
...                 instances), columns are functions per chain. There is one test a cell, made when
...                 the suite starts: it starts vswitch and chains, measures, notes a row and stops.
...                 The rows end up in ``density.json`` in Robot's output directory. Set what is
...                 below *Variables* with ``-v NAME:value``; choose cells with their tags, as in
...                 ``-i FITS -i 1R2C``.
Resource            ../../vhostel.resource
Library             ../../libraries/Density.py

Suite Setup         Set Up Matrix
Suite Teardown      Tear Down Matrix
Test Tags           NF_DENSITY


*** Variables ***
${MAX_CHAINS}       2
${MAX_NODES}        2
# chain: through the vswitch between any two functions; pipeline: functions tied together directly.
${TOPOLOGY}         chain
${VNF}              testpmd_mac
${VSWITCH}          testpmd
# Bytes of a frame on the wire, comma-separated.
${FRAME_SIZES}      64
# Frames a second offered at each end of each chain, or max.
${RATE}             max
${DURATION}         5 seconds
# Share of frames that may be lost at a rate other than max.
${MAX_LOSS}         0
${MEMORY}           512
${CPUS_PER_NF}      auto
${NODE}             DUT1
# Name of the chains: another one lets a second suite run beside this one.
${NAME}             density


*** Test Cases ***
The Largest Cell Fits
    [Documentation]    The plan fails with every reason why not.
    [Tags]    FITS
    ${plan}=    Plan NF Chains    ${MAX_CHAINS}    ${MAX_NODES}    ${NODE}    ${TOPOLOGY}    ${VNF}
    ...    cpus_per_nf=${CPUS_PER_NF}    memory=${MEMORY}    name=${NAME}    jumbo=${JUMBO}
    Log    ${plan}[totals]    console=True


*** Keywords ***
Set Up Matrix
    ${sizes}=    Evaluate    [int(size) for size in str($FRAME_SIZES).split(',')]
    ${seconds}=    Evaluate    robot.utils.timestr_to_secs($DURATION)    robot
    Set Suite Variable    ${SIZES}    ${sizes}
    ${jumbo}=    Needs Jumbo    ${sizes}
    Set Suite Variable    ${JUMBO}    ${jumbo}
    ${loss}=    Set Variable If    '${RATE}' == 'max'    ${1}    ${MAX_LOSS}
    Set Suite Variable    ${LOSS}    ${loss}
    Stop Matrix
    Make Density Tests    ${MAX_CHAINS}    ${MAX_NODES}    ${sizes}    ${TOPOLOGY}    ${VNF}
    ...    ${VSWITCH}    ${RATE}    ${seconds}

Tear Down Matrix
    Stop Matrix
    ${machine}=    Get Node Info    ${NODE}
    ${qemu}=    Get Qemu Version    ${NODE}
    Write Density    ${OUTPUT_DIR}/density.json    ${machine}    ${qemu}

Stop Matrix
    [Documentation]    Ends the chains and the vswitch of this name, and no others.
    Stop NF Chains    ${NAME}
    Stop Vswitch    ${NODE}    ${NAME}

Measure Cell
    [Documentation]    One cell: starts, measures every frame size, notes the row.
    [Arguments]    ${chains}    ${nodes}
    Begin Row    ${chains}    ${nodes}
    Timed    vswitch    Start Vswitch    ${NODE}    ${VSWITCH}    ${chains}    ${nodes}
    ...    ${TOPOLOGY}    ${NAME}    jumbo=${JUMBO}
    ${vms}=    Timed    chains    Start NF Chains    ${chains}    ${nodes}    ${NODE}
    ...    ${TOPOLOGY}    ${VNF}    cpus_per_nf=${CPUS_PER_NF}    memory=${MEMORY}
    ...    name=${NAME}    jumbo=${JUMBO}
    Length Should Be    ${vms}    ${{ ${chains} * ${nodes} }}
    FOR    ${size}    IN    @{SIZES}
        ${result}=    Measure Chain Throughput    ${NAME}    ${DURATION}    ${size}    ${RATE}
        Record Throughput    ${result}    ${LOSS}
    END
    FOR    ${vm}    IN    @{vms}
        ${status}=    Execute On Node    ${NODE}    cat    /proc/${vm}[pid]/status
        Record VM    ${vm}    ${status}[stdout]
    END
    ${threads}=    Evaluate    max(1, $vms[0]['cpus'] - 1)
    Set Tags    ${{ len($vms) }}VM${threads}T

End Cell
    Stop Matrix
    End Row    ${TEST_STATUS}    ${TEST_MESSAGE}
